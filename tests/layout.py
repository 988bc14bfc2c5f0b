"""Whether what a figure shows fits: scripts for `evaluate_all`, for the tests of figures."""

OVERLAPS = """(all) => {  // how many pairs of these elements lie over each other
    // what is only there to be heard is a pixel wide
    const boxes = all.map((e) => e.getBoundingClientRect()).filter(({ width }) => width > 1);
    const apart = (a, b) => a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top;
    return boxes.flatMap((a, i) => boxes.slice(i + 1).filter((b) => !apart(a, b))).length;
}"""
CUT = "(all) => all.filter((e) => e.scrollWidth > e.clientWidth + 1).map((e) => e.textContent)"  # text wider than its box
