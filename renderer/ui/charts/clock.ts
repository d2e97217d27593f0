const two = (value: number) => String(value).padStart(2, '0');

/** Local time of an axis tick, from seconds since the epoch: "21:05", with seconds where they are not 0. */
export function clock(seconds: number): string {
  const date = new Date(seconds * 1000);
  const text = `${two(date.getHours())}:${two(date.getMinutes())}`;
  return date.getSeconds() === 0 ? text : `${text}:${two(date.getSeconds())}`;
}
