"""For the tests of figures, in the page: light(a) and contrast(a, b) of colours, and the ground(e) behind an element."""

LUMINANCE = """
    const context = document.createElement("canvas").getContext("2d");
    const light = (colour) => {  // relative luminance (WCAG 2)
        context.clearRect(0, 0, 1, 1); context.fillStyle = colour; context.fillRect(0, 0, 1, 1);
        const linear = (v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
        const [r, g, b] = [...context.getImageData(0, 0, 1, 1).data].map((v) => linear(v / 255));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const contrast = (a, b) => {
        const [x, y] = [light(a), light(b)];
        return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
    };
    const ground = (e) => {  // what is painted behind an element
        const colour = getComputedStyle(e).backgroundColor;
        return colour === "rgba(0, 0, 0, 0)" ? ground(e.parentElement) : colour;
    };
"""
