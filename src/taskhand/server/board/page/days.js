// Days and times as the server shows them: `2026-11-26 Thu`, `2026-11-26T15:00-03:00 Thu`.
let clock = {}

function parse(shown) {
  const [whole, day, time] = /^([\d-]{10})(?:T(\d\d:\d\d)\S*)?/.exec(shown) ?? []
  return { day, time, at: time && Date.parse(whole) }
}
const elapsed = () => Date.now() - clock.ms
const addDays = (day, days) => new Date(Date.parse(day) + days * 864e5).toISOString().slice(0, 10)
// The day where the server is.
const today = () => addDays(clock.day + 'T' + clock.time + 'Z', elapsed() / 864e5)

const format = (ms, options) => new Date(ms).toLocaleString(locale, options)
// A moment is shown where the person is, a day as it is; the year where it is another one.
const showDay = (day, weekday = 'short', time = { timeZone: 'UTC' }) => format(day, { weekday, day: 'numeric', month: weekday, year: new Date(day).getUTCFullYear() === new Date().getUTCFullYear() ? undefined : 'numeric', ...time })
const showClock = (ms) => format(ms, { dateStyle: 'medium', timeStyle: 'short' })

const when = (shown, { day, at } = parse(shown)) =>
  at ? showDay(at, 'short', { hour: 'numeric', minute: 'numeric' }) : day ? showDay(day) : shown
