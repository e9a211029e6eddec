// A list that a tool gives by pages: its rows, the last answer, since when, and why it could not be refreshed.
const newList = (field, tool, args = {}) => ({ field, tool, args })
const tasks = newList('tasks', 'list_tasks')
const changes = newList('changes', 'list_changes')
let writes = 0

// Of several loads the newest counts, and none that a write has overtaken.
async function load(list, isMore) {
  if (!can(list.tool)) return
  const began = writes
  const turn = list.turn = {}
  const fail = (why) => {
    if (turn === list.turn) Object.assign(list, { why, busy: 0 })
    draw()
  }
  let { cursor, fields, countBy, ...args } = list.args
  let rows = []
  for (const key in known) known[key] ?? delete known[key]
  const most = isMore ? list.rows.length + 50 : Math.max(list.rows?.length || 0, list.args.limit || 25)
  if (isMore) ({ rows, got: { nextCursor: cursor } } = list)
  list.busy = 1
  draw()
  for (;;) {
    const got = await call(list.tool, { ...args, cursor, limit: Math.min(most - rows.length, 50) }, fail)
    if (turn !== list.turn) return
    if (!got[list.field]) return fail(got.error?.message ?? say('cut'))
    rows = [...rows, ...got[list.field]]
    cursor = got.nextCursor
    if (!cursor || rows.length >= most) return began === writes ? take(list, got, rows) : load(list)
  }
}

function take(list, got, rows) {
  const time = parse(got.now)
  const ms = Date.now()
  if (time.at) clock = { ...time, ms }
  rows = [...new Map(rows.map((row) => [keyOf(row), { ...at(list.args), ...row }])).values()]
  mark(rows)
  Object.assign(list, { got, rows, since: time.at || ms, why: 0, busy: 0 })
  draw()
}

// A list that was never loaded is cut where somebody says so.
const more = (list, isCut) => (list.got ? list.got.nextCursor : isCut) && btn('Show more', () => load(list, list.got), list.busy)
