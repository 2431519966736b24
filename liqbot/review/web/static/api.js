// Questions to the server: GET alone, and what it says when it cannot answer.

export class Refused extends Error {
  constructor(status, said) { super(said); this.status = status; }
}

export async function ask(name, words = {}) {
  const said = Object.entries(words).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const query = new URLSearchParams(said.map(([key, value]) => [key, String(value)])).toString();
  let answer;
  try {
    answer = await fetch(`/api/${name}${query ? "?" + query : ""}`, { signal: AbortSignal.timeout(60_000) });
  } catch {
    throw new Refused(0, "the page's server does not answer");
  }
  const value = await answer.json();
  if (!answer.ok) throw new Refused(answer.status, value.error ?? `answered ${answer.status}`);
  return value;
}

// Again and again, each time when the one before is over; not while nobody looks.
export function every(ms, work) {
  const turn = async () => {
    if (!document.hidden) await work();
    setTimeout(turn, ms);
  };
  turn();
  document.addEventListener("visibilitychange", () => { if (!document.hidden) work(); });
}
