// The host of the board in a browser: what the page asks is carried to the server on this machine.
'use strict'

const LOOK_EVERY_MS = 10_000
const isSpanish = navigator.language.toLowerCase().startsWith('es')
const texts = isSpanish
  ? {
      closed: 'Esta dirección ya se usó. Ejecute `taskhand board` de nuevo para abrir el tablero.',
      ended: 'Taskhand ya no responde. Ejecute `taskhand board` de nuevo.',
    }
  : {
      closed: 'This address was used already. Run `taskhand board` again to open the board.',
      ended: 'Taskhand does not answer any more. Run `taskhand board` again.',
    }
const frame = document.getElementById('board')
const said = document.getElementById('said')
const dark = matchMedia('(prefers-color-scheme: dark)')
let admitted = null // the session, and the calls with which the board begins
let shown = null // the call whose answer the page began with, and what it answered last
let isLooking = false

class Refused extends Error {
  constructor(code, message) {
    super(message)
    this.code = code
  }
}

function say(text) {
  said.textContent = text
  for (const element of [said, document.querySelector('h1')]) element.hidden = false
  frame.hidden = true
}

async function post(path, body, headers = {}) {
  try {
    return await fetch(path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...headers },
      body: JSON.stringify(body),
    })
  } catch {
    throw new Refused(-32000, texts.ended)
  }
}

// The token of the address admits once; what it is exchanged for stays in this tab, also when it is loaded again.
async function findSession() {
  const token = location.hash.slice(1)
  history.replaceState(null, '', location.pathname)
  if (token) {
    const answer = await post('/session', { token })
    if (answer.ok) sessionStorage.setItem('admitted', await answer.text())
  }
  return JSON.parse(sessionStorage.getItem('admitted'))
}

// What was not sent is known not to be done, so first it is asked whether there is anybody.
async function callTool(name, args) {
  await fetch('/', { method: 'HEAD' }).catch(() => { throw new Refused(-32001, texts.ended) })
  const answer = await post('/call', { name, arguments: args }, { Authorization: `Bearer ${admitted.session}` })
  if (answer.status === 401) throw new Refused(-32001, texts.closed)
  if (!answer.ok) throw new Refused(answer.status < 500 ? -32602 : -32603, `HTTP ${answer.status}`)
  const { result, error } = await answer.json()
  if (error) throw new Refused(error.code, error.message)
  return result
}

const send = (message) => frame.contentWindow.postMessage({ jsonrpc: '2.0', ...message }, '*') // a sandboxed origin has no name
const notify = (method, params) => send({ method, params })
const theme = () => (dark.matches ? 'dark' : 'light')

function context() {
  return {
    theme: theme(),
    locale: navigator.language,
    timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    displayMode: 'fullscreen',
    availableDisplayModes: ['fullscreen'],
    platform: 'web',
    containerDimensions: { width: innerWidth, height: innerHeight },
    toolInfo: { tool: { name: admitted.start[0].name, inputSchema: { type: 'object' } } },
  }
}

const requests = {
  'ui/initialize': () => ({
    protocolVersion: '2026-01-26',
    hostInfo: { name: 'taskhand board', version: '1' },
    hostCapabilities: { serverTools: {}, openLinks: {} },
    hostContext: context(),
  }),
  'tools/call': ({ name, arguments: args }) => callTool(name, args ?? {}),
  'ui/open-link': ({ url }) => {
    if (!/^https?:$/.test(new URL(url).protocol)) throw new Refused(-32602, 'Only links to the web are opened.')
    open(url, '_blank', 'noopener,noreferrer')
    return {}
  },
  'ui/request-display-mode': () => ({ mode: 'fullscreen' }),
  ping: () => ({}),
}

async function receive({ source, data: message }) {
  if (source !== frame.contentWindow || message?.jsonrpc !== '2.0') return
  const { id, method, params } = message
  if (method === 'ui/notifications/initialized') return begin()
  if (id === undefined || method === undefined) return
  try {
    if (!Object.hasOwn(requests, method)) throw new Refused(-32601, `${method} is not for this host.`)
    send({ id, result: await requests[method](params ?? {}) })
  } catch (error) {
    send({ id, error: { code: error.code ?? -32603, message: error.message } })
  }
}

const essence = ({ structuredContent: { now, ...content } = {} }) => JSON.stringify(content)

// The first of the calls that is answered is shown; where none is, what the last was refused with.
async function begin() {
  try {
    for (const call of admitted.start) {
      const result = await callTool(call.name, call.arguments)
      shown = { ...call, essence: essence(result), result }
      if (!result.isError && result.structuredContent?.tasks?.length !== 0) break
    }
    notify('ui/notifications/tool-input', { arguments: shown.arguments })
    notify('ui/notifications/tool-result', shown.result)
  } catch (error) {
    say(error.message)
  }
}

// Tasks change elsewhere too: then the page is told to read again what it shows.
async function look() {
  if (!shown || isLooking || document.visibilityState === 'hidden') return
  isLooking = true
  try {
    const found = essence(await callTool(shown.name, shown.arguments))
    if (found !== shown.essence) notify('notifications/resources/updated', { uri: 'ui://taskhand/board' })
    shown.essence = found
  } catch {
    // The page says so itself where it is asked for something.
  } finally {
    isLooking = false
  }
}

async function openBoard() {
  document.documentElement.lang = isSpanish ? 'es' : 'en'
  admitted = await findSession()
  if (!admitted) return say(texts.closed)
  addEventListener('message', receive)
  dark.addEventListener('change', () => notify('ui/notifications/host-context-changed', { theme: theme() }))
  addEventListener('resize', () => {
    notify('ui/notifications/host-context-changed', { containerDimensions: { width: innerWidth, height: innerHeight } })
  })
  setInterval(look, LOOK_EVERY_MS)
  for (const event of ['focus', 'visibilitychange']) addEventListener(event, look)
  frame.src = '/board'
  frame.hidden = false
}

openBoard().catch((error) => say(error.message))
