const utcFormat = new Intl.DateTimeFormat('en-CA', {
  timeZone: 'UTC',
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});

/** An instant in UTC, as `2026-11-23 10:32:07Z`. */
export function utc(at: string | Date): string {
  const parts = Object.fromEntries(
    utcFormat.formatToParts(new Date(at)).map(({ type, value }) => [type, value]),
  );
  return `${parts.year}-${parts.month}-${parts.day} ${parts.hour}:${parts.minute}:${parts.second}Z`;
}

/** The time of day in UTC, as `10:32Z`. */
export function utcClock(at: string | Date): string {
  return `${utc(at).slice(11, 16)}Z`;
}

/** An instant as people at this computer write it, with the zone. */
export function local(at: string | Date, locale?: string, timeZone?: string): string {
  return new Date(at).toLocaleString(locale, { dateStyle: 'medium', timeStyle: 'long', timeZone });
}

const units = [
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
  ['s', 1],
] as const;

/** A length of time in its two largest units, as `2 h 5 min`; below ten seconds with a decimal. */
export function duration(seconds: number): string {
  const rest = Math.max(0, seconds);
  if (rest < 10 && !Number.isInteger(rest)) return `${rest.toFixed(1)} s`;
  const whole = Math.round(rest);
  const first = units.findIndex(([, size]) => whole >= size);
  if (first < 0) return '0 s';
  let left = whole;
  return units
    .slice(first, first + 2)
    .map(([unit, size]) => {
      const count = Math.floor(left / size);
      left -= count * size;
      return count > 0 ? `${count} ${unit}` : '';
    })
    .filter(Boolean)
    .join(' ');
}

/** How long ago an instant is, as `5 min ago`; `in 5 min` when it is to come. */
export function relative(at: string | Date, now: number): string {
  const seconds = (now - new Date(at).getTime()) / 1000;
  if (Math.abs(seconds) < 2) return 'just now';
  const text = duration(Math.round(Math.abs(seconds)));
  const coarse = text.split(' ').slice(0, 2).join(' ');
  return seconds >= 0 ? `${coarse} ago` : `in ${coarse}`;
}
