// Calls that write, and what came of them: shown to the person, and told to the model.
let actions = []
const busy = new Set()
function notice(css, parts, then = []) {
  said.className = css
  fill(said, [parts].flat(2).map((one) => one?.trim ? text(one, 'p') : one))
  actions = then
  draw()
}

function refuse({ code, message, next: step, candidates = [], difference = [] }, name, retry) {
  notice('bad', [name, message, difference.map(diff), step, say(code)], candidates.map(({ name, value }) => {
    const choice = { connection_required: { connection: value }, ambiguous_status: { newStatusName: value }, ambiguous_member: { responsibleIds: [value] } }[code]
    return choice && retry && btn(text(name ?? value), () => retry(choice), 0, 0, value)
  }))
}

async function act(tool, args, name, retry) {
  const key = keyOf(args)
  const end = (got) => {
    const { error, planId, changeId, unapplied, changed, totals } = got
    // An error without a code says nothing of what was done.
    const code = error && (error.code ?? 'lost')
    writes += 1
    busy.delete(key)
    if (changeId) undone.add(args.changeId)
    tell(tool, args.id ?? args.planId ?? args.changeId, code ?? changeId ?? 'planned', planId, count(totals),
      unapplied?.map(({ field }) => 'not applied: ' + field), entries(changed).map(([field, { to }]) => /^(status|due|priority)$/.test(field) && field + ': ' + to))
    // A plan that was used, that has expired or that no longer fits is over.
    if (plan && keyOf(plan.args) === key && (!error || /^plan_/.test(code))) plan = 0
    if (!error) takeDone(got, args, name)
    else refuse({ ...error, code }, name, retry)
    if (/lost|unknown/.test(code)) load(list)
  }
  busy.add(key)
  writes += 1
  draw()
  end(await call(tool, args, (message) => end({ error: { message } })))
}

const write = (task, tool, edit) => act(tool, { id: task.id, ...at(task), ...edit }, bidi(task.title), (choice) => write(task, tool, { ...edit, ...choice }))
const apply = (args) => act('apply_plan', args, say('Apply'))
const undo = (changeId, place) => act('undo_change', { changeId, ...at(place) }, say('Undo'))

// A plan asks before anything is done; what was done can be undone. `name` is that of an act of this page.
function takeDone(got, args, name) {
  if (got.difference) return takePlan({ connection: args.connection, ...got }, name)
  const { task, deleted, changed, unapplied, changeId, planId, totals, tasks: several = [], outcomes = [], note, connection = args.connection } = got
  const faults = [...several, ...outcomes].filter((one) => !isFine(one)).map(diff)
  const isUndone = undone.has(changeId)
  const isMerged = task && list === tasks && tasks.rows && !note
  if (isMerged) tasks.rows = tasks.rows.map((one) => one.id === task.id && one.connection === connection ? { ...one, ...task } : one)
  notice(faults[0] || unapplied ? 'bad' : 'good', [diff({ title: name, ...task, ...deleted, does: deleted && 'delete', changed, unapplied }), count(totals), faults, note, isUndone && say('undone')], [
    changeId && !isUndone && !/cannot undo/.test(note) && can('undo_change') && btn('Undo', () => undo(changeId, { connection })),
    planId && btn('Apply', () => apply({ planId, ...at({ connection }) })),
  ])
  if (!isMerged && (name || list.rows)) load(list)
}
