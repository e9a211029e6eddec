// A browser that obeys: one JSON object with `do` a line, one JSON object as its answer.
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { hostActions } from './host.mjs'

const require = createRequire(pathToFileURL(`${process.env.BROWSER_MODULES}/`))
const load = async (name) => {
  const module = await import(pathToFileURL(require.resolve(name)))
  return module.default ?? module
}
const [packed, { chromium }] = [await load('@sparticuz/chromium'), await load('playwright-core')]
const axe = readFileSync(require.resolve('axe-core'), 'utf8') // run by the driver, as the pages run no script
const left = [
  '--disable-web-security', // what is tried here is that security
  '--single-process', '--in-process-gpu', '--no-zygote', // for hosts without shared memory; Chromium does not support it and crashes at times
]
const args = packed.args.filter((one) => !left.includes(one))
const browser = await chromium.launch({ executablePath: await packed.executablePath(), args })
const tabs = {}
let problems = []

async function open({ tab, like, ...options }) {
  const context = like ? tabs[like].context() : await browser.newContext(options)
  const page = (tabs[tab] = await context.newPage())
  page.on('console', (said) => said.type() === 'error' && !said.text().startsWith('Failed to load') && problems.push(said.text()))
  page.on('pageerror', (error) => problems.push(String(error)))
}

async function findViolations(page, scheme) {
  await page.emulateMedia({ colorScheme: scheme })
  await page.evaluate(axe)
  const { violations } = await page.evaluate(() => globalThis.axe.run())
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' ')}`)
}

const actions = {
  ...hostActions(load, process.env.BROWSER_MODULES),
  open,
  goto: async ({ page, url }) => { const answer = await page.goto(url); return answer?.status() },
  back: async ({ page }) => { await page.goBack() },
  press: async ({ page, keys }) => { for (const key of keys) await page.keyboard.press(key) },
  type: async ({ page, text }) => { await page.keyboard.type(text) },
  // What leads to another page, perhaps of the same address: wait until it is there.
  submit: async ({ page, key, at }) => {
    await Promise.all([page.waitForNavigation({ url: at, waitUntil: 'load' }), page.keyboard.press(key)])
  },
  click: async ({ page, name, at }) => {
    await Promise.all([page.waitForNavigation({ url: at, waitUntil: 'load' }), page.getByText(name).first().click()])
  },
  look: async ({ page }) => ({
    url: page.url(),
    language: await page.getAttribute('html', 'lang'),
    title: await page.title(),
    heading: await page.textContent('h1'),
    text: (await page.innerText('body')).replace(/\s+/g, ' '),
    focus: await page.evaluate(() => document.activeElement?.id || document.activeElement?.tagName),
    isTooWide: await page.evaluate(() => document.documentElement.scrollWidth > innerWidth),
    frames: page.frames().slice(1).map((frame) => frame.url()),
  }),
  axe: async ({ page, scheme }) => findViolations(page, scheme),
  shot: async ({ page, path }) => { await page.screenshot({ path, fullPage: true }) },
  evaluate: async ({ page, script }) => page.evaluate(script),
  seeInFrame: async ({ page, text }) => { await page.frameLocator('iframe').getByText(text).first().waitFor() },
  inFrame: async ({ page, script }) => page.frames()[1].evaluate(script),
  problems: async () => { const found = problems; problems = []; return found },
}

for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line)
  try {
    const answer = await actions[asked.do]({ page: tabs[asked.tab], axe, ...asked })
    process.stdout.write(`${JSON.stringify({ answer: answer ?? null })}\n`)
  } catch (error) {
    process.stdout.write(`${JSON.stringify({ error: [error, error.cause].join(" ") })}\n`)
  }
}
await browser.close()
process.exit() // whatever a host still listens to
