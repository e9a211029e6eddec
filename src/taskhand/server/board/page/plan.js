// A plan: its difference, task by task, until it is applied or discarded.
let plan

function takePlan(got) {
  const { planId } = got
  plan = { ...got, args: { planId, ...at(got) }, list: newList('tasks', 'list_changes', { changeId: planId, limit: 75, ...at(got) }) }
  notice('')
  box.querySelector('h2').focus()
}

async function applyPlan(own) {
  own.busy = 1
  const error = await act('apply_plan', own.args, say('apply'))
  own.busy = 0
  // A plan that was used, that has expired or that no longer fits is over.
  if (plan === own && (!error || /^plan_/.test(error.code))) plan = 0
  draw()
}

function discardPlan() {
  tell('discarded', plan.planId, 'do not apply it')
  plan = 0
  notice('good', say('discarded'))
}

function makePlan({ list, difference, count: all, note, outcomes = [], unapplied, expiresAt, connection, busy: off }) {
  const { rows = difference, why } = list
  return el('section',
    el('h2', text(join(say('plan', all), connection)), { id: 'plan', tabindex: -1 }),
    items(rows.map(diff)),
    more(list, all > rows.length),
    diff({ title: '', unapplied }), outcomes.map(diff),
    // The first words of a note are for the model.
    [why, note.replace(/Show the difference to the person(;.*?out)?\./, ''), say('until', when(expiresAt))].map((line) => text(line, 'p.soft')),
    btn('apply', say('apply'), () => applyPlan(plan), off, { class: 'main' }), ' ', btn('discard', say('discard'), discardPlan, off))
}
