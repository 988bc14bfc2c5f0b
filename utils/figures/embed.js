// What every figure's script may use.

// An array that Python packed (utils/figures/embed.py) -> its numbers, row after row.
function numbers({ dtype, base64 }) {
  const { buffer } = Uint8Array.from(atob(base64), (byte) => byte.charCodeAt(0));
  if (dtype === "float16") return Float64Array.from(new Uint16Array(buffer), half);
  return new { float32: Float32Array, float64: Float64Array, int32: Int32Array, uint8: Uint8Array }[dtype](buffer);
}

// The number that 16 bits stand for: 1 of sign, 5 of exponent, 10 of fraction. Browsers have no type for it everywhere yet.
function half(bits) {
  const exponent = (bits >> 10) & 31, fraction = bits & 1023;
  const size = exponent ? (1024 + fraction) * 2 ** (exponent - 25) : fraction * 2 ** -24;
  return bits >> 15 ? -size : size;
}

// A weight is a byte, 128 standing for 0, times the scale of its row; the product is rounded to float32, as in Python.
function unpack(part) {
  if (!("levels" in part)) return numbers(part); // a bias
  const [rows, columns] = part.levels.shape, levels = numbers(part.levels), scales = numbers(part.scales);
  return Array.from({ length: rows }, (_, r) =>
    Float32Array.from(levels.subarray(r * columns, (r + 1) * columns), (level) => (level - 128) * scales[r]));
}

// 0.5 -> "+0.500", with a real minus sign, so that columns of numbers stand still.
function signed(x, digits = 3) {
  return (x < 0 ? "−" : "+") + Math.abs(x).toFixed(digits);
}
