// Tasks in groups, and what can be done with one.
const known = {}
const made = {}
let by = 'status'
let opened
let chosen

// Asked for once, for each connection; with the next load again where that was not answered.
function learn(field, tool, task) {
  const key = join(tool, task.connection)
  if (can(tool) && !(key in known)) {
    known[key] = []
    call(tool, { ...at(task) }).then((got) => {
      known[key] = got[field]?.map && got[field]
      draw()
    })
  }
  return known[key]
}
const statuses = (task) => learn('statuses', 'list_statuses', task)
const statusOf = (task) => statuses(task)?.find(({ name }) => name === task.status)
const members = (task) => learn('members', 'list_team_members', task)
const ends = (status) => /done$/.test(status?.type)
const isDone = (task) => ends(statusOf(task))
const isLate = (task, { day, at } = parse(task.due)) =>
  // Nothing is overdue before it is known what is done.
  day && statusOf(task) && !isDone(task) && (at ? at < clock.at + elapsed() : day < today())

function makeTask(task) {
  const key = keyOf(task)
  const over = isDone(task)
  const late = isLate(task)
  const isOpen = opened === key
  const off = busy.has(key)
  const state = JSON.stringify([task, over, late, off, locale, isOpen && members(task), statuses(task)?.length, allowed])
  if (made[key]?.state === state) return made[key].row
  const { due, priority, responsibles = [], status, connection, title } = task
  const level = LEVELS[priority]
  const toggle = () => over ? write(task, 'update_task', { newStatusPosition: statuses(task).find((one) => !ends(one))?.position }) : write(task, 'complete_task')
  const open = () => {
    opened = !isOpen && key
    chosen = ''
    draw()
  }
  const row = el(over ? 'li.done' : 'li',
    el('div.row',
      statuses(task)?.[0] && can(over ? 'update_task' : 'complete_task') && btn(over ? '✓' : '○', toggle, off, { class: 'check', 'aria-label': say(over ? 'Reopen: ' : 'Complete: ') + title }, 'check' + key),
      el('div',
        btn(text(title || '–'), open, 0, { class: 'title', 'aria-expanded': isOpen }, 'open' + key),
        el('div.soft',
          due && text((late ? `⚠ ${say('Overdue')}: ` : '') + when(due), late ? 'span.bad' : 'span'),
          level && text(say(level), 'span.' + level), text(responsibles.join(', ') || say('Nobody')), text(status, 'span.in'), text(connection)))),
    isOpen && makePanel(task, key, off))
  return (made[key] = { state, row }).row
}

function makePanel(task, key, off) {
  const { day } = parse(task.due)
  // What was due on an earlier day is moved to today or tomorrow.
  const now = day < today() && today()
  const to = say('Give to…')
  const who = el('select', { id: 'who', 'aria-label': to }, el('option', { value: '' }, to),
    members(task)?.map(({ id, name, email }) => el('option', { value: id }, join(name, email))))
  who.value = chosen
  who.onchange = () => { chosen = who.value }
  return el('div.row',
    day && can('update_task') && [now ? 0 : -1, 1].map((days) => {
      const dueDate = addDays(now || day, days)
      return btn(say(days < 0 ? 'Earlier: ' : 'Later: ') + showDay(dueDate), () => write(task, 'update_task', { dueDate }), off, 0, days + key)
    }),
    can('reassign_task') && [who, btn('Give', () => who.value && write(task, 'reassign_task', { responsibleIds: [who.value] }), off)])
}

// The group of a task: its name, what it is sorted by, and its color.
function groupOf(task) {
  const status = statusOf(task)
  const { day } = parse(task.due)
  return by === 'status' ? [task.status ?? '–', ends(status) ? 98 : status?.position ?? 99, status?.color]
    : isDone(task) ? [say('Done'), '~2']
    : !day ? [say('No date'), '~1']
    : isLate(task) ? [say('Overdue'), '0', '#d33']
    : [(day === today() ? say('Today, ') : '') + showDay(day, 'long'), day]
}

function makeGroup([name, { color, rows }]) {
  const section = made[by + name] ??= el('section', el('h2'), items([]))
  section.style.borderTopColor = color ?? ''
  fill(section.firstChild, text(name), el('small', ' ' + rows.length))
  fill(section.lastChild, rows.map(makeTask))
  return section
}

function makeTasks({ got, rows }) {
  const groups = {}
  for (const task of rows) {
    const [name, order, color] = groupOf(task)
    groups[name] ??= { order, color, rows: [] }
    groups[name].rows.push(task)
  }
  const { unreadable, unreachable = [], leftOut = [], note } = got
  return [
    text(note, 'p.soft'),
    [rows.some((task) => !statuses(task)) && say('No statuses'), unreadable && 'unreadable: ' + unreadable.count, ...[...unreachable, ...leftOut].map((one) => join(one.connection, one.connections, one.message))].map((line) => text(line, 'p.bad')),
    el('div.groups ' + by, entries(groups).sort(([, a], [, b]) => (a.order < b.order ? -1 : 1)).map(makeGroup)),
  ]
}
