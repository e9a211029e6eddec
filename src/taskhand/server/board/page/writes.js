// Calls that write, and what came of them: shown to the person, and told to the model.
let actions = []
function notice(css, parts, then = []) {
  said.className = css
  fill(said, [parts].flat(2).map((one) => one?.trim ? text(one, 'p') : one))
  actions = then
  draw()
}

function refuse({ code, message, next: step, candidates = [], difference = [] }, retry) {
  notice('bad', [message, difference.map(diff), step, code], candidates.map(({ name, value, connection }) => {
    const choice = connection ? { connection } : { ambiguous_status: { newStatusName: value }, ambiguous_member: { responsibleIds: [value] } }[code]
    return choice && retry && [join(name ?? value, connection), () => retry(choice)]
  }))
}

async function act(tool, args, name, retry) {
  const doubt = (why) => notice('bad', [say('lost'), name, why])
  writes += 1
  draw()
  const got = await call(tool, args, doubt)
  writes += 1
  const { error, planId, changeId, unapplied } = got
  const code = error?.code
  tell(tool, args.id ?? args.planId ?? args.changeId, code ?? changeId ?? 'planned', planId, count(got.totals), unapplied?.map(({ field }) => 'not applied: ' + field))
  if (!error) takeDone(got, args, name)
  else if (code === 'lost') doubt(error.message)
  else refuse(error, retry)
  if (/lost|unknown/.test(code)) load(tasks)
  return error
}

async function write(task, tool, edit) {
  const key = keyOf(task)
  busy.add(key)
  await act(tool, { id: task.id, ...at(task), ...edit }, bidi(task.title), (choice) => write(task, tool, { ...edit, ...choice }))
  busy.delete(key)
  draw()
}

const undo = (changeId, place) => act('undo_change', { changeId, ...at(place) }, say('undo'))

// A plan asks before anything is done; what was done can be undone.
function takeDone(got, args, title) {
  if (got.difference) return takePlan(got)
  const { task, deleted, changed, unapplied, changeId, planId, totals, tasks: several = [], outcomes = [], note, connection = args.connection } = got
  const faults = [...several, ...outcomes].filter((one) => !isFine(one)).map(diff)
  notice(faults[0] || unapplied ? 'bad' : 'good', [diff({ title, ...task, ...deleted, does: deleted && 'delete', changed, unapplied }), count(totals), faults, note], [
    changeId && [say('undo'), () => undo(changeId, { connection })],
    planId && [say('apply'), () => act('apply_plan', { planId, ...at({ connection }) }, say('apply'))],
  ])
  if (task && tasks.rows) tasks.rows = tasks.rows.map((one) => one.id === task.id && [one.connection, ''].includes(connection ?? '') ? { ...one, ...task } : one)
  else if (tasks.rows) load(tasks)
  if (changes.rows) load(changes)
}
