// What the gallery judges of a page that axe does not: read from the page as the browser shows it.
([chinese, names]) => {
  // The visual editor is not ours inside; axe judges it all the same, and a test of its own works with it.
  const ours = (node) => !node.closest('.policy-editor');
  const shown = (node) => node.checkVisibility({ opacityProperty: true, visibilityProperty: true })
    && !node.closest('.unseen, .skip, [aria-hidden=true]');
  const short = (node) => node.outerHTML.replace(/\s+/g, ' ').slice(0, 140);
  const phone = innerWidth < 480;
  const faults = [];

  if (document.querySelectorAll('h1').length !== 1) faults.push(`${document.querySelectorAll('h1').length} h1`);
  const title = document.title.split(' – ')[0].trim();
  if (!title) faults.push('no title');
  const wider = document.documentElement.scrollWidth - innerWidth;
  if (wider > 0) {
    const out = [...document.querySelectorAll('body *')].filter((node) => !node.closest('.scroll')
      && node.getBoundingClientRect().right > innerWidth + 1).slice(-2).map(short);
    faults.push(`${wider} px wider than the screen: ${out.join(' | ')}`);
  }

  // Fingers: what is a control of its own is 44 px high on a customer's phone.
  if (phone && document.body.classList.contains('portal')) {
    const controls = '.button, .choice, .switch, .back, .brand, .foot a, summary, input:not([type=hidden]):not([type=checkbox]):not([type=radio]):not([type=range]), select, textarea, .tick';
    for (const node of document.querySelectorAll(controls)) {
      if (shown(node) && node.getBoundingClientRect().height < 43.5) faults.push(`less than 44 px: ${short(node)}`);
    }
  }

  // Words: of this language, and none that only a machine reads.
  const foreign = chinese ? /[A-Za-z]{2,}(?:[ ,]+[A-Za-z’']{2,}){3,}/ : /[\u4e00-\u9fff]/;
  // A reference may end as a duration does, LN-QR1S-P40D: behind a dash it is none.
  const raw = /\b(undefined|NaN|null|True|False)\b|^\s*None\s*$|\{\w*\}|\b[a-z]+_[a-z_]+\b|(?<![-\w])P\d+D\b/;
  const words = (text) => names.reduce((left, name) => left.replaceAll(name, ''), text);
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const box = node.parentElement;
    if (!node.data.trim() || box.closest('script, style, code, pre, kbd, var, svg, textarea, .policy-editor')) continue;
    const said = box.closest('[lang]');
    // What stands there in English all the same is somebody's own text, or a law's own name.
    if (chinese && said.lang === 'en' && !box.closest('.switch')) faults.push(`in English: ${node.data.trim().slice(0, 80)}`);
    if (said === document.documentElement && foreign.test(words(node.data))) faults.push(`not translated: ${node.data.trim().slice(0, 80)}`);
    // Formulas name columns of a file, and a policy's own texts its codes.
    if (said === document.documentElement && raw.test(node.data) && !box.closest('.formula, .own')) faults.push(`for machines: ${node.data.trim().slice(0, 80)}`);
  }

  // Nothing is cut off that cannot be scrolled to.
  for (const node of [...document.querySelectorAll('main :is(h1, h2, h3, p, dt, dd, td, th, .button, .tag, label, legend)')].filter(ours)) {
    const style = getComputedStyle(node);
    if (shown(node) && node.scrollWidth > node.clientWidth + 1 && style.overflowX !== 'visible' && node.clientWidth) faults.push(`cut off: ${short(node)}`);
    if (shown(node) && style.display !== 'inline' && node.scrollWidth > node.clientWidth + 2 && node.clientWidth && !node.closest('.scroll, svg')) faults.push(`spills over: ${short(node)}`);
  }

  // The keyboard: each control shows that it has the focus, and no bar lies over it.
  const focusable = 'a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex="0"]';
  const bars = [...document.querySelectorAll('.bar')].filter((bar) => getComputedStyle(bar).position === 'sticky');
  for (const node of [...document.querySelectorAll(focusable)].filter(ours).filter(shown).slice(0, 80)) {
    node.focus();
    if (document.activeElement !== node) continue;
    const style = getComputedStyle(node);
    if (style.outlineStyle === 'none' || parseFloat(style.outlineWidth) < 2) faults.push(`focus unseen: ${short(node)}`);
    const box = node.getBoundingClientRect();
    for (const bar of bars) {
      const over = bar.getBoundingClientRect();
      if (!bar.contains(node) && !node.closest('form')?.contains(bar) && box.bottom > over.top + 1 && box.top > over.top) faults.push(`under the bar: ${short(node)}`);
    }
  }
  document.activeElement?.blur();
  scrollTo(0, 0);

  // Each chart has its table, whose rows are there.
  for (const chart of document.querySelectorAll('.chart')) {
    if (!chart.querySelector('details table tbody tr')) faults.push(`no table: ${chart.id}`);
    if (!chart.querySelector('.plot svg')) faults.push(`not drawn: ${chart.id}`);
  }
  if (document.body.classList.contains('portal') && !shown(document.querySelector(".foot a[href='/close']"))) faults.push('no way out in the foot');
  return [...new Set(faults)];
}
