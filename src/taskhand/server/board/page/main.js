// The page: what the host says, and what is drawn.
let list = tasks
let hasHost
let soon

function draw() {
  const had = document.activeElement
  const pick = (key, isOn, act) => btn(key, say(key), () => draw(act()), 0, { 'aria-pressed': isOn })
  const { rows, since = 0, why, busy: off } = list
  h1.textContent = say(list.field)
  fill(menu,
    [tasks, changes].map((one) => pick(one.field, list === one, () => {
      list = one
      if (one === changes || !one.rows) load(one)
    })),
    list === tasks && ['status', 'day'].map((one) => pick('by_' + one, by === one, () => { by = one })),
    btn('refresh', say('refresh'), () => load(list)))
  fresh.textContent = why ? say('stale', showClock(since), why) : off ? say('loading') : rows ? join(rows.length, say('as_of', showClock(since))) : ''
  fresh.className = why ? 'bad' : 'soft'
  fill(next, actions.map((one) => one && btn('next ' + one[0], one[0], one[1])))
  fill(box, plan && makePlan(plan))
  fill(view, rows && [rows[0] ? list === tasks ? makeTasks(list) : items([...rows.map(makeChange), ...(list.got.tasks ?? []).map(diff)]) : el('p', say('nothing')), more(list)])
  // Who works by keyboard keeps the place.
  if (had !== document.body && had !== document.activeElement) (document.getElementById(had.id) ?? said).focus({ preventScroll: true })
}

function adapt({ theme, styles, locale: name }) {
  const root = document.documentElement
  try {
    if (name) locale = new Intl.Locale(name).toString()
  } catch {}
  es = /^es/.test(locale) ? 1 : 0
  root.lang = es ? 'es' : 'en'
  if (theme) root.style.colorScheme = theme
  for (const [key, value] of entries(styles?.variables)) root.style.setProperty(key, value)
  draw()
}

// The result of the model's call, which a host may bring twice, or after the page has asked for itself.
const results = new Set()
function takeResult(result) {
  const key = JSON.stringify(result)
  const got = read(result)
  if (results.has(key)) return
  results.add(key)
  if (got.error) refuse(got.error)
  else if (got.changes) {
    list = changes
    changes.args = tasks.args
    tasks.args = {}
    take(changes, got, got.changes)
  } else if (!got.now && !got.counts) takeDone(got, tasks.args)
  else {
    if (!tasks.turn && got.now) take(tasks, got, got.tasks)
    // In a conversation that is opened again the answer is an old one.
    if (tasks.turn || !(Date.now() - tasks.since < 9e4)) load(tasks)
  }
}

const heard = {
  __proto__: null,
  ping() {},
  'ui/notifications/tool-input'(params) {
    tasks.args = params.arguments ?? {}
  },
  'ui/notifications/tool-result': takeResult,
  'ui/notifications/tool-cancelled': () => notice('bad', say('cancelled')),
  'ui/notifications/host-context-changed': adapt,
  'ui/resource-teardown': () => removeEventListener('message', receive),
  'notifications/resources/updated'() {
    clearTimeout(soon)
    soon = setTimeout(() => list.rows && load(list), 300)
  },
}
addEventListener('message', receive)
new ResizeObserver(() => post({ method: 'ui/notifications/size-changed', params: { height: document.body.offsetHeight } })).observe(document.body)

// A host that does not answer is asked again.
function start(tries) {
  const again = setTimeout(() => tries ? start(tries - 1) : notice('bad', say('no_host'), [[say('refresh'), () => start(2)]]), 3000)
  ask('ui/initialize', {
    protocolVersion: '2026-01-26',
    appInfo: { name: 'taskhand', version: '1' },
    appCapabilities: { availableDisplayModes: ['inline', 'fullscreen'] },
  }).then(({ hostContext = {} }) => {
    clearTimeout(again)
    if (hasHost) return
    hasHost = 1
    notice('')
    adapt(hostContext)
    post({ method: 'ui/notifications/initialized' })
  })
}
locale = navigator.es
adapt({})
start(2)
