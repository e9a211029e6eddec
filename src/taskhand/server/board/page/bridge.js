// JSON-RPC with the host over postMessage. A message may be lost, late or doubled.
const waiting = [0]

const post = (message) => parent.postMessage({ jsonrpc: '2.0', ...message }, '*')
const ask = (method, params) => new Promise((...settle) => post({ id: waiting.push(settle) - 1, method, params }))

function receive({ source, data }) {
  if (source !== parent || data?.jsonrpc !== '2.0') return
  const { id, method, params = {}, result, error } = data
  if (method) {
    const handle = heard[method.split('/').pop()]
    if (id !== undefined) post({ id, ...handle ? { result: {} } : { error: { code: -32601, message: method } } })
    handle?.(params)
  } else {
    waiting[id]?.[error ? 1 : 0](error ?? result)
    delete waiting[id]
  }
}
