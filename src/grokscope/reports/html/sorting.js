// The table of runs: a click on a heading sorts by it, words in the field leave only the rows that have them all.
(() => {
  "use strict";
  const table = document.getElementById("runs");
  const field = document.getElementById("filter");
  const count = document.getElementById("shown");
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const texts = rows.map((row) => row.textContent.toLowerCase());

  const filter = () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    rows.forEach((row, i) => {
      row.hidden = !words.every((word) => texts[i].includes(word));
      shown += row.hidden ? 0 : 1;
    });
    count.textContent = `${shown} of ${rows.length} runs`;
  };

  const compare = (a, b) => {
    // what is missing comes last, whichever way the rest is sorted
    if (a === "" || b === "") return a === b ? 0 : a === "" ? 2 : -2;
    const [x, y] = [Number(a), Number(b)];
    return Number.isNaN(x) || Number.isNaN(y) ? (a < b ? -1 : a > b ? 1 : 0) : Math.sign(x - y);
  };

  const sort = (heading) => {
    const column = heading.cellIndex;
    const falling = heading.getAttribute("aria-sort") === "ascending";
    for (const each of table.tHead.rows[0].cells) each.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", falling ? "descending" : "ascending");
    const key = (row) => row.cells[column].dataset.sort;
    const sorted = [...rows].sort((one, other) => {
      const found = compare(key(one), key(other));
      return falling && Math.abs(found) === 1 ? -found : found;
    });
    body.append(...sorted);
  };

  for (const heading of table.tHead.rows[0].cells) {
    heading.querySelector("button").addEventListener("click", () => sort(heading));
  }
  field.addEventListener("input", filter);
  document.getElementById("finding").hidden = false;
  filter();
})();
