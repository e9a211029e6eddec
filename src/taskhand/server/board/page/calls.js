// Calls of the server's tools through the host. An answer that is none has an `error` with a code and a message.
let allowed
// Whether the server lets this person do so.
const can = (tool) => !allowed || allowed.includes(tool)

function read(answer) {
  let { content, structuredContent: got, isError, _meta } = answer ?? {}
  allowed = _meta?.['taskhand/board']?.tools ?? allowed
  const message = content?.[0]?.text
  try {
    got ??= JSON.parse(message)
  } catch {}
  return isError && !got?.error ? { error: { message } } : got ?? { error: { message: say('cut') } }
}

// `late` hears of an answer that does not come in time; it is waited for all the same.
async function call(name, args, late) {
  const timer = setTimeout(() => late?.(say('no_host')), 6e4)
  try {
    return read(await ask('tools/call', { name, arguments: args }))
  } catch ({ code, message }) {
    // What a host refuses was not sent.
    return { error: { code: /-32(60[0-2]|001)|denied|declined/i.test(code + message) ? 'not done' : 'lost', message } }
  } finally {
    clearTimeout(timer)
  }
}

const at = ({ connection }) => connection && { connection }
const keyOf = ({ connection, id, changeId, planId }) => join(connection, id ?? changeId ?? planId ?? Math.random())

// The model is told what the person did by ids, statuses and days: what customers wrote is not for it.
// A host keeps the last message alone, so that it has the acts before it too.
const told = []
function tell(...parts) {
  told.push(join(parts))
  ask('ui/update-model-context', { content: [{ type: 'text', text: 'The person on the board: ' + told.slice(-9).join('; ') }] }).catch(() => {})
}
