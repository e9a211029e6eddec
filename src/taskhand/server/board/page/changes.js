// The journal: what was done, by whom, and Undo.
const undone = new Set()
function mark(rows) {
  for (const { undoes, outcome } of rows) if (outcome === 'applied') undone.add(undoes)
}
// A filter, or an old answer, does not have what has undone a change.
async function findUndone(args) {
  mark((await call('list_changes', { ...args, limit: 50 })).changes ?? [])
  draw()
}

function makeChange(change) {
  const { changeId, outcome, tasks: several = [] } = change
  const isUndone = undone.has(changeId)
  const title = change.title ?? (several.map((one) => one.title ?? one.id).join(', ') || change.tool)
  return el('div.row', el('div', diff({ ...change, title }),
    text(join(when(change.at), change.person, change.by, change.connection, change.tool, count(change.totals), isUndone && say('undone')), 'small')),
  changeId && !isUndone && can('undo_change') && /applied|partial|unknown/.test(outcome) && btn('Undo', () => undo(changeId, change), 0, { 'aria-label': say('Undo') + ': ' + title }, changeId))
}
