// JSON-RPC with the host over postMessage.
const host = parent
const waiting = new Map()
const heard = {}
let lastId = 0

const post = (message) => host.postMessage({ jsonrpc: '2.0', ...message }, '*')
const notify = (method, params = {}) => post({ method, params })

function ask(method, params) {
  return new Promise((resolve, reject) => {
    waiting.set(++lastId, { resolve, reject })
    post({ id: lastId, method, params })
  })
}

function receive({ source, data: message }) {
  if (source !== host || message?.jsonrpc !== '2.0') return
  const { id, method, params, result, error } = message
  if (!method) {
    const asked = waiting.get(id)
    waiting.delete(id)
    if (error) asked?.reject(new Error(error.message))
    else asked?.resolve(result)
  } else {
    heard[method]?.(params ?? {})
    if (id !== undefined) post({ id, result: {} })
  }
}
