// Colours: those of the stylesheet, which knows light and dark, and cividis for steps of many.

const CIVIDIS = [
  [0, 34, 78], [18, 53, 112], [59, 73, 108], [87, 93, 109], [112, 113, 115],
  [138, 134, 120], [165, 156, 116], [195, 179, 105], [225, 204, 85], [254, 232, 56],
];

export const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// `share` from 0, the faintest, to 1.
export function step(share) {
  const place = Math.min(Math.max(share, 0), 1) * (CIVIDIS.length - 1);
  const low = Math.min(Math.floor(place), CIVIDIS.length - 2);
  const mixed = CIVIDIS[low].map((from, n) => Math.round(from + (CIVIDIS[low + 1][n] - from) * (place - low)));
  return `rgb(${mixed.join(",")})`;
}

export const onThemeChange = (work) => matchMedia("(prefers-color-scheme: dark)").addEventListener("change", work);
