// A plan: its difference, task by task, until it is applied or discarded.
let plan

function takePlan(got, isOwn) {
  const { planId, count, expiresAt } = got
  const args = { planId, ...at(got) }
  plan = { ...got, args, list: newList('tasks', 'list_changes', { changeId: planId, limit: 75, ...at(got) }) }
  notice('unseen', say('plan') + count)
  setTimeout(draw, parse(expiresAt).at - Date.now())
  // Who writes to the model keeps the keyboard.
  if (!isOwn) checkPlan()
  else if (document.hasFocus()) box.querySelector('h2')?.focus()
}

// Whether it was applied or declined elsewhere, perhaps long ago: a host shows an old answer again.
async function checkPlan(own = plan) {
  if (!own) return
  const { note } = await call('list_changes', { ...own.list.args, limit: 1 })
  if (/carried|declined/.test(note)) own.over = 1
  draw()
}

function discardPlan() {
  tell('discarded', plan.planId, 'do not apply it')
  plan = 0
  notice('good', say('kept'))
}

function makePlan({ args, list, difference, count: all, note, outcomes = [], unapplied, expiresAt, connection, over }) {
  const { rows = difference, why } = list
  const off = busy.has(keyOf(args))
  const isOver = over || parse(expiresAt).at <= Date.now()
  return el('section',
    el('h2', text(join(say(isOver ? 'over' : 'plan') + all, connection)), { id: 'plan', tabindex: -1 }),
    items(rows.map(diff)),
    more(list, all > rows.length),
    diff({ title: '', unapplied }), outcomes.map(diff),
    // The first words of a note are for the model.
    [why, note.replace(/Show the difference to the person(;.*?out)?\./, ''), say('Until ') + when(expiresAt)].map((line) => text(line, 'p.soft')),
    !isOver && [can('apply_plan') && btn('Apply', () => apply(args), off, { class: 'main' }), ' ', btn('Discard', discardPlan, off)])
}
