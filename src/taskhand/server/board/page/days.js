// Days and times as the server shows them: `2026-11-26 Thu`, `2026-11-26T15:00-03:00 Thu`.
const DAY = 864e5
let clock = {}

function parse(shown) {
  const [, day, time = '', zone = ''] = /^([\d-]{10})(?:T(\d\d:\d\d)[\d:]*(\S*))?/.exec(shown) ?? []
  return { day, time, zone, at: time && Date.parse(day + 'T' + time + zone) }
}
const elapsed = () => Date.now() - clock.ms
const addDays = (day, days) => new Date(Date.parse(day) + days * DAY).toISOString().slice(0, 10)
// The day where the server is.
const today = () => addDays(clock.day + 'T' + clock.time + 'Z', elapsed() / DAY)

const format = (ms, options) => new Date(ms).toLocaleString(locale, options)
const showDay = (day, weekday = 'short') => format(day, { weekday, day: 'numeric', month: weekday, timeZone: 'UTC' })
const showClock = (ms) => format(ms, { dateStyle: 'medium', timeStyle: 'short' })

function when(shown) {
  const { day, time, zone } = parse(shown)
  return day ? `${showDay(day)} ${time} ${zone === clock.zone ? '' : zone}`.trim() : shown
}
