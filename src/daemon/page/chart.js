// Messages per second over the last minute, as an SVG that takes its colours from the style sheet.

const kSeconds = 60;
const kWidth = 240;
const kHeight = 72;
const kTop = 6;

export class Rate {
  #counts = new Array(kSeconds + 1).fill(0); // the last one's second is not over
  #second = Math.floor(performance.now() / 1000);

  add() {
    this.#advance();
    this.#counts[kSeconds] += 1;
  }

  // Of whole seconds, the oldest first.
  counts() {
    this.#advance();
    return this.#counts.slice(0, kSeconds);
  }

  #advance() {
    const second = Math.floor(performance.now() / 1000);
    const passed = Math.min(second - this.#second, kSeconds + 1);
    this.#second = second;
    if (passed > 0) this.#counts = [...this.#counts.slice(passed), ...new Array(passed).fill(0)];
  }
}

// The scale's top: 1, 2, 5, 10, 20, 50 ...
function nice_top(highest) {
  let top = 1;
  while (top < highest) top *= String(top).startsWith("2") ? 2.5 : 2;
  return top;
}

export class Chart {
  // `line`, `area`: the <path>s; `now`, `top`: elements for the figures; `svg`: gets its words.
  constructor({ svg, line, area, now, top }) {
    Object.assign(this, { svg, line, area, now, top });
    svg.setAttribute("viewBox", `0 0 ${kWidth} ${kHeight}`);
  }

  draw(counts) {
    const highest = Math.max(...counts);
    const top = nice_top(highest);
    const x = (i) => ((i * kWidth) / (kSeconds - 1)).toFixed(1);
    const y = (count) => (kHeight - 1 - (count / top) * (kHeight - 1 - kTop)).toFixed(1);
    const points = counts.map((count, i) => `${x(i)},${y(count)}`);
    this.line.setAttribute("d", `M${points.join("L")}`);
    this.area.setAttribute("d", `M0,${kHeight}L${points.join("L")}L${kWidth},${kHeight}Z`);
    const last = counts[kSeconds - 1];
    this.now.textContent = String(last);
    this.top.textContent = `peak ${highest}`;
    this.svg.setAttribute(
      "aria-label",
      `Messages per second over the last minute: now ${last}, at most ${highest}`,
    );
  }
}
