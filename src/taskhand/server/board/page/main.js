// The page: what the host says, and what is drawn.
let list = tasks
let asked = {}
let soon

function draw() {
  const had = document.activeElement
  const pick = (key, isOn, act) => btn(key, () => draw(act()), 0, { 'aria-pressed': isOn })
  const { rows, since, why, busy: off } = list
  const { limit, cursor, fields, countBy, ...filter } = list.args
  h1.textContent = say(list.field)
  fill(menu,
    [tasks, changes].map((one) => can(one.tool) && pick(one.field, list === one, () => {
      list = one
      load(one)
    })),
    list === tasks && ['status', 'day'].map((one) => pick('by_' + one, by === one, () => { by = one })),
    btn('Refresh', () => load(list)))
  fresh.textContent = why ? since ? say('stale') + showClock(since) + ': ' + why : why : off ? say('Loading…') : rows ? join(rows.length, since && say('as of ') + showClock(since), count(filter)) : ''
  fresh.className = why ? 'bad' : 'soft'
  fresh.role = why ? 'alert' : null
  fill(next, actions)
  try {
    fill(box, plan && makePlan(plan))
    fill(view, rows && [rows[0] ? list === tasks ? makeTasks(list) : items([...rows.map(makeChange), ...(list.got.tasks ?? []).map(diff)]) : el('p', say('Nothing here')), more(list)])
  } catch {
    plan = list.rows = 0
    notice('bad', say('cut'))
  }
  // Who works by keyboard keeps the place.
  if (had !== document.activeElement) (document.getElementById(had.id) ?? said).focus({ preventScroll: true })
}

function adapt({ theme, styles, locale: name }) {
  const root = document.documentElement
  try {
    locale = new Intl.Locale(name.replace('_', '-')) + ''
  } catch {}
  es = +/^es/.test(locale)
  root.lang = es ? 'es' : 'en'
  if (theme) root.style.colorScheme = theme
  for (const [key, value] of entries(styles?.variables)) root.style.setProperty(key, value)
  draw()
}

// The result of the model's call, which a host may bring twice, late, or again in a conversation that is opened again.
let last
function takeResult(result) {
  const key = JSON.stringify(result)
  const got = read(result)
  if (last === key) return
  last = key
  if (got.error) refuse(got.error)
  else if (got.changes) {
    list = changes
    changes.args = asked
    take(changes, got, got.changes)
    changes.since = 0
    load(changes)
    findUndone(at(asked))
  } else if (got.now || got.counts) {
    tasks.args = asked
    if (!tasks.turn && got.now && !asked.fields) take(tasks, got, got.tasks)
    if (!(Date.now() - tasks.since < 9e4) || tasks.turn) load(tasks)
  } else {
    const began = writes
    tasks.args = { ...at(asked) }
    takeDone(got, asked)
    if (got.changeId) findUndone({ taskId: got.task?.id, ...at(asked) }).then(() => began === writes && takeDone(got, asked))
  }
}

// By the last part of the method's name.
const heard = {
  __proto__: null,
  ping() {},
  'tool-input'(params) {
    asked = params.arguments ?? {}
  },
  'tool-result'(result) {
    try {
      takeResult(result)
    } catch {
      notice('bad', say('cut'))
    }
  },
  'tool-cancelled': () => notice('bad', say('Cancelled')),
  'host-context-changed': adapt,
  'resource-teardown'() {},
  updated() {
    soon ||= setTimeout(() => {
      soon = 0
      checkPlan()
      if (list.rows) load(list)
    }, 300)
  },
}
addEventListener('message', receive)
new ResizeObserver(() => post({ method: 'ui/notifications/size-changed', params: { height: document.body.offsetHeight } })).observe(document.body)

// A host that does not answer is asked again; where it brings no result, the page reads for itself.
function start(tries) {
  const again = setTimeout(() => tries ? start(tries - 1) : notice('bad', say('no_host'), btn('Refresh', () => start(2))), 3e3)
  ask('ui/initialize', {
    protocolVersion: '2026-01-26',
    appInfo: { name: 'taskhand', version: '1' },
    appCapabilities: {},
  }).then(({ hostContext = {} }) => {
    clearTimeout(again)
    notice('')
    adapt(hostContext)
    post({ method: 'ui/notifications/initialized' })
    setTimeout(() => last || load(tasks), 5e3)
  })
}
adapt({})
start(2)
