"use strict";
(() => {
  // Hover: what a title says, at once and beside the pointer. Titles work without this, slowly.
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  document.body.append(tip);
  const titled = (target) => {
    for (let at = target; at instanceof SVGElement && !at.matches("svg"); at = at.parentNode) {
      const title = [...at.children].find((it) => it.localName === "title");
      if (title) return title;
    }
    return null;
  };
  document.addEventListener("pointermove", (event) => {
    const title = titled(event.target);
    tip.hidden = !title;
    if (!title) return;
    tip.textContent = title.textContent;
    const { innerWidth, innerHeight } = window;
    const { width, height } = tip.getBoundingClientRect();
    const left = Math.min(event.clientX + 14, innerWidth - width - 8);
    const above = event.clientY + 18 + height > innerHeight;
    tip.style.left = `${Math.max(8, left)}px`;
    tip.style.top = `${above ? event.clientY - height - 12 : event.clientY + 18}px`;
  });
  // Zoom: a double click makes a drawing twice as wide, to be scrolled; with Shift it goes back.
  for (const svg of document.querySelectorAll("svg.zoom")) {
    const box = document.createElement("div");
    box.className = "zoomed";
    svg.replaceWith(box);
    box.append(svg);
    let scale = 1;
    svg.addEventListener("dblclick", (event) => {
      event.preventDefault();
      const { left, width } = svg.getBoundingClientRect();
      const share = (event.clientX - left) / width;
      scale = event.shiftKey ? 1 : Math.min(8, scale * 2);
      svg.style.width = `${scale * 100}%`;
      box.scrollLeft = share * box.scrollWidth - (event.clientX - box.getBoundingClientRect().left);
    });
  }
  document.documentElement.dataset.script = "ran";
})();
