// A host of pages: it calls the real server for the model, and shows the page that the server names beside the answer.
import { fileURLToPath } from 'node:url'

const PAGE_TYPE = 'text/html;profile=mcp-app'
const clients = new WeakMap()
let script

// `load` imports a module of those that npm has installed into the folder `modules`.
export function hostActions(load, modules) {
  async function bundle() {
    const { build } = await load('esbuild')
    const entry = fileURLToPath(new URL('host_page.mjs', import.meta.url))
    const built = await build({ entryPoints: [entry], bundle: true, format: 'iife', write: false, nodePaths: [modules] })
    return built.outputFiles[0].text
  }

  async function connect(page, url, headers) {
    const { Client, StreamableHTTPClientTransport } = await load('@modelcontextprotocol/client')
    const client = new Client({ name: 'test host', version: '1' }, { capabilities: { extensions: { 'io.modelcontextprotocol/ui': { mimeTypes: [PAGE_TYPE] } } } })
    await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }))
    const { tools } = await client.listTools()
    const about = Object.fromEntries(tools.map((tool) => [tool.name, tool._meta.ui]))
    clients.set(page, client)
    await page.exposeFunction('callServer', (params) => {
      if (!about[params.name]?.visibility.includes('app')) throw new Error(`${params.name} is not for pages`)
      return client.callTool(params)
    })
    return { client, about }
  }

  // Names that others wrote are isolated by marks that nobody sees.
  function seen(text, exact) {
    const parts = Array.from(text, (one) => one.replace(/[\\^$.*+?()[\]{}|]/, '\\$&')).join('[\u2068\u2069]*')
    return new RegExp(exact ? `^${parts}$` : parts)
  }
  const inside = (page) => page.frameLocator('#app')
  const frame = (page) => page.frames().find((one) => one.parentFrame() === page.mainFrame())

  return {
    // Call a tool for the model, and show the page beside its answer.
    host: async ({ page, url, headers, tool, args = {}, context = {}, withResult, setup, result }) => {
      script ??= await bundle()
      const { client, about } = await connect(page, url, headers)
      const html = (await client.readResource({ uri: about[tool].resourceUri })).contents[0].text
      const answer = result ?? await client.callTool({ name: tool, arguments: args })
      await page.addScriptTag({ content: script })
      if (setup) await page.evaluate(setup)
      await page.evaluate((given) => window.openApp(given), { html, context, args, result: answer, withResult })
    },
    // Call a tool for somebody else.
    call: async ({ page, tool, args }) => (await clients.get(page).callTool({ name: tool, arguments: args })).structuredContent,
    use: async ({ page, role, name, nth = 0, exact }) => { await inside(page).getByRole(role, { name: seen(name, exact) }).nth(nth).click({ timeout: 15_000 }) },
    choose: async ({ page, label, option }) => { await inside(page).getByLabel(label).selectOption({ label: option }, { timeout: 15_000 }) },
    wait: async ({ page, text, selector = 'body' }) => { await inside(page).locator(selector).filter({ hasText: seen(text) }).first().waitFor({ timeout: 15_000 }) },
    gone: async ({ page, selector }) => { await inside(page).locator(selector).first().waitFor({ state: 'detached', timeout: 15_000 }) },
    read: async ({ page, selector = 'main' }) => (await inside(page).locator(selector).first().innerText()).replace(/\s+/g, ' '),
    inside: async ({ page, script: code }) => frame(page).evaluate(code),
    focus: async ({ page }) => frame(page).evaluate(() => document.activeElement.getAttribute('aria-label') ?? document.activeElement.innerText),
    axeInside: async ({ page, axe }) => {
      await frame(page).evaluate(axe)
      const { violations } = await frame(page).evaluate(() => globalThis.axe.run())
      return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html + ' ' + node.failureSummary).join(' ')}`)
    },
    until: async ({ page, script: code }) => { await page.waitForFunction(code, undefined, { timeout: 15_000 }) },
    enter: async ({ page }) => { await frame(page).evaluate(() => window.focus()) },
    scroll: async ({ page }) => {
      await page.mouse.move(200, 300)
      for (let n = 0; n < 40; n++) await page.mouse.wheel(0, 700)
    },
    clock: async ({ page, forward }) => { forward ? await page.clock.fastForward(forward) : await page.clock.install() },
  }
}
