// The journal: what was done, by whom, and Undo.
function makeChange(change) {
  const { changeId, outcome, tasks: several = [] } = change
  const isUndone = changes.rows.some((one) => one.undoes === changeId && one.outcome === 'applied')
  const title = change.title ?? (several.map((one) => one.title ?? one.id).join(', ') || change.tool)
  return el('div.row', el('div', diff({ ...change, title }),
    text(join(when(change.at), change.person, change.by, change.connection, change.tool, count(change.totals), isUndone && say('undone')), 'small')),
  changeId && !isUndone && can('undo_change') && /applied|partial|unknown/.test(outcome) && btn('undo ' + changeId, say('undo'), () => undo(changeId, change), 0, { 'aria-label': say('undo') + ': ' + title }))
}
