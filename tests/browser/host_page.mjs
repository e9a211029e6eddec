// The host's side of a frame, in the browser: the official bridge, on a line that can lose, double and hold back messages.
import { AppBridge, PostMessageTransport } from '@modelcontextprotocol/ext-apps/app-bridge'

const POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; connect-src 'none'"

window.copies = () => 1 // of this message to the page
window.before = async () => {} // what a call waits for
window.heard = { contexts: [], sizes: [], modes: [] }

window.openApp = async ({ html, context, args, result, withResult = true }) => {
  window.given = { args, result }
  const frame = document.createElement('iframe')
  frame.id = 'app'
  frame.sandbox = 'allow-scripts'
  frame.style = 'display:block;border:0;width:100%;height:150px'
  frame.title = 'board'
  document.body.style.margin = 0
  document.body.replaceChildren(frame)
  const line = {
    postMessage: (message, target) => {
      for (let n = window.copies(message); n > 0; n--) frame.contentWindow.postMessage(message, target)
    },
  }
  const bridge = (window.bridge = new AppBridge(null, { name: 'test host', version: '1' },
    { serverTools: {}, openLinks: {}, updateModelContext: { text: {} } }, { hostContext: context }))
  bridge.oncalltool = async (params) => {
    await window.before(params)
    return window.callServer(params)
  }
  bridge.onsizechange = ({ height }) => {
    window.heard.sizes.push(height)
    if (height) frame.style.height = `${height}px`
  }
  bridge.onupdatemodelcontext = async ({ content }) => {
    window.heard.contexts.push(content[0].text)
    return {}
  }
  const ready = new Promise((resolve) => { bridge.oninitialized = resolve })
  await bridge.connect(new PostMessageTransport(line, frame.contentWindow))
  frame.srcdoc = html.replace('<meta charset', `<meta http-equiv="Content-Security-Policy" content="${POLICY}"><meta charset`)
  window.opened = ready.then(() => {
    bridge.sendToolInput({ arguments: args })
    if (withResult) bridge.sendToolResult(result)
  })
}
