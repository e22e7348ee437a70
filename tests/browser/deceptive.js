// What deceptive.py judges: read from the page as the browser shows it.
() => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const words = (node) => (node.innerText || node.textContent || '').trim().replace(/\s+/g, ' ').slice(0, 60);
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return canvas.getImageData(0, 0, 1, 1).data;
  };
  const ground = (node) => {
    for (; node; node = node.parentElement) {
      const colour = rgba(getComputedStyle(node).backgroundColor);
      if (colour[3] > 127) return colour;
    }
    return [255, 255, 255, 255];
  };
  const light = (colour) => [0, 1, 2].map((i) => colour[i] / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const contrast = (node) => {
    const [a, b] = [light(rgba(getComputedStyle(node).color)), light(ground(node))];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  };
  const size = (node) => parseFloat(getComputedStyle(node).fontSize);
  const shown = (node) => {
    const box = node.getBoundingClientRect();
    const seen = node.checkVisibility({ opacityProperty: true, visibilityProperty: true });
    const covered = node.closest('[aria-hidden=true], [hidden], details:not([open]) > :not(summary)');
    return seen && !covered && box.width > 3 && box.height > 3 && box.right > 0 && box.bottom + scrollY > 0;
  };
  const faded = (node) => {
    let left = 1;
    for (; node; node = node.parentElement) left *= parseFloat(getComputedStyle(node).opacity);
    return left;
  };
  // How much a button stands out: its area, and its fill against what lies behind it.
  const weight = (node) => {
    const [box, a, b] = [node.getBoundingClientRect(), light(ground(node)), light(ground(node.parentElement))];
    return { words: words(node), area: box.width * box.height, stands: (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) };
  };
  const look = (node) => ['color', 'backgroundColor', 'fontSize', 'fontWeight', 'borderColor', 'padding']
    .map((name) => getComputedStyle(node)[name]).join(' ') + ` ${node.offsetWidth} ${node.offsetHeight}`;
  const normal = size(document.querySelector('main') || document.body);
  const ways = "a[href='/close'], a[href$='/leave'], button[value=close], #confirm button, .back, [data-way-out]";
  const asked = "[name=reason], [name=why], [name=feedback], [name=view], [name=comment], [name=survey]";
  const must = (node) => node.required || node.getAttribute('aria-required') === 'true';
  const optional = (node) => !!(node.closest('.field') || node.parentElement).querySelector('.optional');
  const gate = (node) => node.form && node.form.querySelector('.primary');
  return {
    text: words(document.body) && document.body.innerText,
    primaries: all('main .button.primary').filter(shown).map(words),
    main: all('main .button.primary').filter(shown).map(weight),
    rivals: all('main :is(button, .button, input[type=submit]):not(.primary, .choice, .switch)').filter(shown).map(weight),
    ticked: all('input[type=checkbox], input[type=radio], option[selected]:not([value=""])')
      .filter((node) => node.checked || node.tagName === 'OPTION').map((node) => node.name || node.value),
    boxes: all('form').map((form) => form.querySelectorAll('input[type=checkbox]').length),
    timers: all("[role=timer], [data-countdown], meta[http-equiv=refresh]").map((node) => node.outerHTML.slice(0, 80)),
    out: all(ways).map((node) => ({ words: words(node), shown: shown(node), contrast: contrast(node) * faded(node),
      size: size(node) / normal })),
    unequal: all('.choices').map((list) => new Set([...list.querySelectorAll('.choice')].map(look)).size),
    prompts: all("dialog[open], [role=alertdialog], [hx-confirm], [data-confirm], [onclick*='confirm(']").map(words),
    leaving: !!(window.onbeforeunload || document.body.onbeforeunload),
    reasons: all(asked).filter((node) => must(node) || (gate(node) && !optional(node))).map((node) => node.name),
    buttons: all('main form').flatMap((form) => [...form.querySelectorAll('button:not(.switch)')].filter(shown)
      .map((node) => [form.action, node.name, node.value, words(node)].join(' | '))),
  };
}
