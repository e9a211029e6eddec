// Differences of tasks: fields with a value before and after.
const LEVELS = ['Low', 'Medium', 'High']

const show = (field, value, names) => value === null || value.length === 0 ? say('none')
  : value.map ? value.map((one) => show('', one, names)).join(', ')
  : field === 'priority' ? say(LEVELS[value])
  : field === 'due' ? when(value) : bidi(names?.[value] ?? value)
const entries = (object) => Object.entries(object ?? {})
const count = (totals) => entries(totals).map(([name, n]) => say(name) + ': ' + n)
const isFine = ({ outcome = 'applied', message, unapplied }) => /applied|planned|unchanged/.test(outcome) && !message && !unapplied

// What is planned or was done with a task, or with several in the same way.
const diff = (one) => el('div',
  /create|delete/.test(one.does) && el('b.' + one.does, say(one.does)), text(one.title ?? join(one.count, one.outcome)),
  one.does === 'delete' && text(join(when(one.due), one.responsibles), 'div.soft'),
  entries(one.changed).map(([field, { from, to, names }]) => el('div', el('small', say(field), ': '), el('del', show(field, from, names)), ' → ', el('ins', show(field, to, names)))),
  [!isFine(one) && one.title && say(one.outcome), one.message, one.unapplied?.map(({ field, asked, got }) => say(field) + say(' should be ') + show(field, asked) + say(' and is ') + show(field, got))]
    .flat().map((fault) => text(fault, 'p.bad')))
