import { regions } from './catalogues.ts'
import type { Text } from './index.ts'

/** Dates as people read them; every time is ms since the epoch, shown in the local zone on a 24 h clock. */
export interface Dates {
  /** `10:52` */
  readonly clock: (at: number) => string
  /** Of a list: the clock today, `Hier`, `ven.` within the week, `20 nov.`, then with the year. */
  readonly list: (at: number, now: number) => string
  /** Of a divider: `Aujourd’hui, lundi 23 novembre`, `Dimanche 22 novembre`, with the year when it is another. */
  readonly day: (at: number, now: number) => string
  /** The same for all times of one local day, different for others. */
  readonly dayKey: (at: number) => string
  /** `24 s`, `5 minutes`, `2 heures`; rounded up, never below 1 s. */
  readonly duration: (ms: number) => string
}

/** `timeZone`: an IANA name, for tests; the machine's own when absent. */
export function createDates(text: Text, timeZone?: string): Dates {
  const zone = timeZone === undefined ? {} : { timeZone }
  const format = (options: Intl.DateTimeFormatOptions) =>
    new Intl.DateTimeFormat(regions[text.language], { ...zone, ...options })
  const clockFormat = format({ hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
  const weekday = format({ weekday: 'short' })
  const dayMonth = format({ day: 'numeric', month: 'short' })
  const dayMonthYear = format({ day: 'numeric', month: 'short', year: 'numeric' })
  const longDay = format({ weekday: 'long', day: 'numeric', month: 'long' })
  const longDayYear = format({ weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' })
  const key = new Intl.DateTimeFormat('en-CA', { ...zone, year: 'numeric', month: '2-digit', day: '2-digit' })

  const dayKey = (at: number): string => key.format(at)
  const year = (at: number): string => dayKey(at).slice(0, 4)
  // French writes the first of the month as an ordinal, which Intl does not.
  const written = (formatter: Intl.DateTimeFormat, at: number): string =>
    formatter
      .formatToParts(at)
      .map((part) => (part.type === 'day' && part.value === '1' ? text('time.firstOfMonth') : part.value))
      .join('')
  const daysBetween = (from: number, to: number): number =>
    Math.round((Date.parse(dayKey(to)) - Date.parse(dayKey(from))) / 86_400_000)

  return {
    clock: (at) => clockFormat.format(at),
    dayKey,
    list: (at, now) => {
      const days = daysBetween(at, now)
      // A clock that runs ahead elsewhere must not turn a message of today into a date.
      if (days <= 0) return clockFormat.format(at)
      if (days === 1) return text('time.yesterday')
      if (days < 7) return capitalised(weekday.format(at))
      return written(year(at) === year(now) ? dayMonth : dayMonthYear, at)
    },
    day: (at, now) => {
      const date = written(year(at) === year(now) ? longDay : longDayYear, at)
      return dayKey(at) === dayKey(now) ? text('time.today', { date }) : capitalised(date)
    },
    duration: (ms) => {
      const seconds = Math.max(1, Math.ceil(ms / 1000))
      if (seconds <= 90) return text('time.seconds', { count: seconds })
      const minutes = Math.ceil(seconds / 60)
      return minutes <= 90
        ? text('time.minutes', { count: minutes })
        : text('time.hours', { count: Math.ceil(minutes / 60) })
    },
  }
}

function capitalised(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1)
}
