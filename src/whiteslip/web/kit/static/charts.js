// Draws charts out of the options that a page holds as JSON. The tables beside them say the same.
"use strict";

(() => {
  const locale = document.documentElement.lang.startsWith("zh") ? "ZH" : "EN";
  const number = new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: 2 });
  const share = new Intl.NumberFormat(document.documentElement.lang, { style: "percent", maximumFractionDigits: 2 });
  const whole = new Intl.NumberFormat(document.documentElement.lang, { style: "percent", maximumFractionDigits: 0 });
  const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

  // "var:brand" is the value of a token, so that both schemes and printing find their colours.
  function coloured(value) {
    if (typeof value === "string" && value.startsWith("var:")) return token(value.slice(4));
    if (Array.isArray(value)) return value.map(coloured);
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, coloured(part)]));
    }
    return value;
  }

  // Money comes in minor units of a currency; charts show the magnitude, tables the exact sum.
  function money(currency) {
    const compact = new Intl.NumberFormat(document.documentElement.lang, { notation: "compact", style: "currency", currency });
    return (minor) => compact.format(minor / 100);
  }

  // `room` is the width there is, in pixels: few names get more of it each.
  function dressed(raw, room) {
    const option = coloured(raw);
    const ink = { color: token("ink"), fontFamily: token("sans"), fontSize: 12 };
    const percent = option.yAxis && option.yAxis.percent;
    const sum = option.yAxis && option.yAxis.money && money(option.yAxis.money);
    const value = (v) => (v == null || v === "-" ? "–" : percent ? share.format(v) : sum ? sum(v) : number.format(v));
    option.textStyle = ink;
    option.animation = false;
    option.aria = { enabled: true };
    option.tooltip = { renderMode: "richText", confine: true, valueFormatter: value,
      trigger: option.series.some((s) => s.type === "line") ? "axis" : "item",
      backgroundColor: token("paper"), borderColor: token("line"), textStyle: ink };
    // The area between two lines is drawn by series that are nobody's figures.
    const named = option.series.filter((s) => !s.band);
    if (named.length < option.series.length) {
      option.tooltip.formatter = (points) => [points].flat().filter((p) => !option.series[p.seriesIndex].band)
        .reduce((text, p) => `${text}\n${p.seriesName}: ${value(p.value)}`, [points].flat()[0].name);
    }
    if (option.legend) option.legend = { top: 0, textStyle: ink, type: "scroll", data: named.map((s) => s.name) };
    for (const side of ["xAxis", "yAxis"]) {
      const axis = option[side];
      if (!axis) continue;
      axis.axisLine = { lineStyle: { color: token("line") } };
      axis.axisTick = { show: false };
      axis.splitLine = { lineStyle: { color: token("line") } };
      axis.axisLabel = { color: token("soft"), hideOverlap: side === "xAxis" && (axis.type === "value" || option.series[0].type === "line"),
        interval: option.series[0].type === "line" ? "auto" : 0, width: side === "yAxis" ? ((axis.data || []).length > 8 ? 176 : 112) : Math.max(72, 0.75 * room / ((axis.data || []).length || 1)), overflow: "break", fontSize: 11 };
      // Names of bars that have no room beside each other lean.
      const names = side === "xAxis" && axis.type === "category" && option.series[0].type !== "line" ? axis.data.length : 0;
      if (names && room / names < 84 && axis.data.some((name) => name.length > 4)) Object.assign(axis.axisLabel, { rotate: 40, width: 96, overflow: "truncate" });
      // The last day of a line stands at the edge; its label would be cut off there.
      if (side === "xAxis" && axis.boundaryGap === false) Object.assign(axis.axisLabel, { alignMinLabel: "left", alignMaxLabel: "right" });
      if (axis.type === "value") axis.axisLabel.formatter = axis.money ? money(axis.money) : value;
    }
    if (option.xName && option.xAxis) Object.assign(option.xAxis, { name: option.xName, nameLocation: "middle", nameGap: 28 });
    delete option.xName;
    if (option.xAxis) option.grid = { left: 8, right: 16, top: option.legend ? 36 : 12, bottom: option.xAxis.name ? 28 : 8, containLabel: true };
    for (const series of option.series) {
      if (series.type === "line" && series.href) series.triggerLineEvent = true;
      if (series.type === "heatmap") {
        // A narrow cell has room for whole percents only.
        const narrow = room / option.xAxis.data.length < 80;
        series.label = { show: true, fontSize: narrow ? 9 : 11, formatter: (p) => (narrow ? whole : share).format(p.value[2]) };
        series.data = series.data.map((cell) => ({ value: cell.slice(0, 3), href: cell[3], label: { color: token(cell[2] > 0.5 ? "on-brand" : "ink") } }));
      }
      if (series.type === "sankey") Object.assign(series, { nodeGap: 18, label: { ...ink, width: 100, overflow: "break" }, lineStyle: { color: "target", opacity: 0.3 }, right: 110, tooltip: { valueFormatter: series.money ? money(series.money) : number.format } });
      if (series.type === "treemap") Object.assign(series, { breadcrumb: { show: false }, tooltip: { valueFormatter: series.money ? money(series.money) : number.format },
        itemStyle: { borderColor: token("line"), borderWidth: 1 },
        label: { formatter: (p) => `${p.name}\n${series.money ? money(series.money)(p.value) : number.format(p.value)}`, fontSize: 12, color: token("ink") }, left: 0, right: 0, top: 0, bottom: 0 });
    }
    if (option.visualMap) option.visualMap.textStyle = ink;
    return option;
  }

  const drawn = [];
  for (const plot of document.querySelectorAll("[data-chart]")) {
    const option = JSON.parse(plot.dataset.chart);
    plot.hidden = false;
    const chart = echarts.init(plot, null, { renderer: "svg", locale });
    // A mark leads to its cases, or to the figures as a file; the table beside it has the same links.
    const follow = (href) => location.assign(href || plot.dataset.csv);
    const lines = option.xAxis && option.series.every((s) => s.type === "line");
    if (!lines || option.series.some((s) => s.href)) {
      chart.on("click", (mark) => follow((mark.data && mark.data.href) || (option.series[mark.seriesIndex] || {}).href));
    } else {
      // A line has no marks to press: wherever it is pressed, that is the day below.
      chart.getZr().on("click", (press) => {
        if (!chart.containPixel("grid", [press.offsetX, press.offsetY])) return;
        follow((option.links || [])[chart.convertFromPixel({ xAxisIndex: 0 }, press.offsetX)]);
      });
    }
    drawn.push([chart, option]);
  }
  const draw = () => { for (const [chart, option] of drawn) chart.setOption(dressed(structuredClone(option), chart.getWidth()), true); };
  draw();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  // Another width is another drawing: names and labels that had room may have none.
  const fit = () => { for (const [chart] of drawn) chart.resize(); };
  let settling;
  addEventListener("resize", () => { fit(); clearTimeout(settling); settling = setTimeout(draw, 100); });
  addEventListener("beforeprint", () => { fit(); draw(); });
})();
