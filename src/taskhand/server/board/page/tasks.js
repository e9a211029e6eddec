// Tasks in groups, and what can be done with one.
const known = {}
const busy = new Set()
const made = {}
let by = 'status'
let opened

// People and statuses are asked for once, for each connection.
const of = ({ connection }) => known[connection] ?? learn(connection)
function learn(connection) {
  const place = known[connection] = { statuses: [], members: [] }
  for (const [field, tool] of [['statuses', 'list_statuses'], ['members', 'list_team_members']]) {
    call(tool, at({ connection }) ?? at(tasks.args) ?? {}).then((got) => {
      place[field] = got[field] ?? []
      draw()
    })
  }
  return place
}
const statusOf = (task) => of(task).statuses.find(({ name }) => name === task.status)
const isDone = (status) => /done$/.test(status?.type)
function isLate(task) {
  const { day, at } = parse(task.due)
  // Nothing is overdue before it is known what is done.
  return day && of(task).statuses[0] && !isDone(statusOf(task)) && (at ? at < clock.at + elapsed() : day < today())
}

function toggle(task, over) {
  const all = of(task).statuses
  const first = all.find(({ type }) => type === 'initial') ?? all.find((one) => !isDone(one))
  write(task, ...over ? ['update_task', { newStatusPosition: first?.position }] : ['complete_task'])
}

function makeTask(task) {
  const key = keyOf(task)
  const [over, late, isOpen, off] = [isDone(statusOf(task)), isLate(task), opened === key, busy.has(key)]
  const state = JSON.stringify([task, over, late, off, locale, isOpen && of(task).members, allowed])
  if (made[key]?.state === state) return made[key].row
  const { due, priority, responsibles = [], status, connection, title } = task
  const level = LEVELS[priority]
  const open = () => {
    opened = isOpen ? '' : key
    draw()
  }
  const row = el(over ? 'li.done' : 'li',
    el('div.row',
      can(over ? 'update_task' : 'complete_task') && btn('check ' + key, over ? '✓' : '○', () => toggle(task, over), off, { class: 'check', 'aria-label': say(over ? 'reopen' : 'complete', title) }),
      el('div',
        btn('open ' + key, text(title || '–'), open, 0, { class: 'title', 'aria-expanded': isOpen }),
        el('div.soft',
          due && text((late ? `⚠ ${say('overdue')}: ` : '') + when(due), late ? 'span.bad' : 'span'),
          level && text(say(level), 'span.' + level), text(responsibles.join(', ') || say('nobody')), text(status, 'span.in'), text(connection)))),
    isOpen && makePanel(task, key, off))
  made[key] = { state, row }
  return row
}

function makePanel(task, key, off) {
  const { day } = parse(task.due)
  const who = el('select', { id: 'who ' + key, 'aria-label': say('give_to') }, el('option', { value: '' }, say('give_to')),
    of(task).members.map(({ id, name, email }) => el('option', { value: id }, join(name, email))))
  return el('div.row',
    day && can('update_task') && [-1, 1].map((days) => {
      const dueDate = addDays(day, days)
      return btn(days + key, say(days < 0 ? 'earlier' : 'later', showDay(dueDate)), () => write(task, 'update_task', { dueDate }), off)
    }),
    can('reassign_task') && [who, btn('give ' + key, say('give'), () => who.value && write(task, 'reassign_task', { responsibleIds: [who.value] }), off)])
}

// The group of a task: its name, what it is sorted by, and its color.
function groupOf(task) {
  const status = statusOf(task)
  const { day } = parse(task.due)
  if (by === 'status') return [task.status ?? '–', status?.position ?? 99, status?.color]
  if (isDone(status)) return [say('done'), '~2']
  if (!day) return [say('no_date'), '~1']
  if (isLate(task)) return [say('overdue'), '0', '#d33']
  return [(day === today() ? say('today') : '') + showDay(day, 'long'), day]
}

function makeGroup([name, { color, rows }]) {
  const section = made[by + name] ??= el('section', el('h2'), items([]))
  if (/^#[\da-f]{3,8}$/i.test(color)) section.style.borderTopColor = color
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
    [note, unreadable && 'unreadable: ' + unreadable.count, ...[...unreachable, ...leftOut].map((one) => join(one.connection, one.connections, one.message))].map((line) => text(line, 'p.bad')),
    el('div.groups ' + by, entries(groups).sort(([, a], [, b]) => (a.order < b.order ? -1 : 1)).map(makeGroup)),
  ]
}
