import AxeBuilder from '@axe-core/playwright'
import { test as base, expect, type Page } from '@playwright/test'
import type { CallName, Change } from '../../src/contract/index.ts'
import type { ErrorReport } from '../../src/base/errors.ts'
import { installFakeEngine, type FakeControl, type Scenario } from './fakeEngine.ts'

interface Valise {
  /** Opens the page on a scenario. */
  readonly open: (scenario: Scenario) => Promise<void>
  readonly emit: (change: Change) => Promise<void>
  readonly lose: (change: Change) => Promise<void>
  readonly fail: (name: CallName, error: ErrorReport) => Promise<void>
  readonly hold: (name: CallName) => Promise<void>
  readonly release: (name: CallName) => Promise<void>
  /** Inputs of the calls of that name so far. */
  readonly calls: (name: CallName) => Promise<unknown[]>
}

interface InPage {
  readonly fake: FakeControl
}

/** Every test fails when the page breaks its own content security policy or logs an error. */
export const test = base.extend<{ valise: Valise }>({
  valise: async ({ page }, use) => {
    const complaints: string[] = []
    page.on('console', (line) => {
      if (line.type() === 'error' || line.type() === 'warning') complaints.push(line.text())
    })
    page.on('pageerror', (error) => complaints.push(String(error)))
    await use(control(page))
    expect(complaints).toEqual([])
  },
})

export { expect } from '@playwright/test'

function control(page: Page): Valise {
  return {
    open: async (scenario) => {
      await page.clock.setFixedTime(scenario.now)
      await page.addInitScript(installFakeEngine, scenario)
      await page.goto(process.env['VALISE_PAGE'] ?? '')
      await page.evaluate('document.fonts.ready')
    },
    emit: async (change) => {
      await page.evaluate((one) => (globalThis as unknown as InPage).fake.emit(one), change)
    },
    lose: async (change) => {
      await page.evaluate((one) => (globalThis as unknown as InPage).fake.lose(one), change)
    },
    fail: async (name, error) => {
      await page.evaluate(([n, e]) => (globalThis as unknown as InPage).fake.fail(n, e), [
        name,
        error,
      ] as const)
    },
    hold: async (name) => {
      await page.evaluate((n) => (globalThis as unknown as InPage).fake.hold(n), name)
    },
    release: async (name) => {
      await page.evaluate((n) => (globalThis as unknown as InPage).fake.release(n), name)
    },
    calls: (name) =>
      page.evaluate(
        (n) =>
          (globalThis as unknown as InPage).fake.calls
            .filter((one) => one.name === n)
            .map((one) => one.input),
        name,
      ),
  }
}

/** No violation of WCAG 2.2 A and AA or of axe's best practices. */
export async function expectAccessible(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).setLegacyMode(true).analyze()
  const found = violations.map(
    (one) => `${one.id}: ${one.nodes.map((node) => node.html.slice(0, 160)).join(' | ')}`,
  )
  expect(found).toEqual([])
}

/** The reader's own spacing of WCAG 1.4.12; constructed style sheets are not of the page's making. */
export async function widenText(page: Page): Promise<void> {
  await page.evaluate(`(() => {
    const sheet = new CSSStyleSheet()
    sheet.replaceSync('* { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important; }')
    document.adoptedStyleSheets = [sheet]
  })()`)
}

/** Nothing is cut off at the side: no element wider than the window, no page that scrolls sideways. */
export async function expectNoClipping(page: Page): Promise<void> {
  const found = await page.evaluate<string[]>(`(() => {
    const wide = document.documentElement.scrollWidth > innerWidth ? ['page scrolls sideways'] : []
    const out = [...document.querySelectorAll('#root *')].filter((element) => {
      const style = getComputedStyle(element)
      if (style.clipPath !== 'none' || element.closest('.vh, .skip, svg') || !element.checkVisibility()) return false
      const box = element.getBoundingClientRect()
      return box.width > 0 && (box.right > innerWidth + 1 || box.left < -5)
    })
    const cut = [...document.querySelectorAll('button, .hint, .lead, h1, h2, .errline, label')].filter((element) =>
      element.checkVisibility() && !element.closest('.vh, .skip') && getComputedStyle(element).overflow === 'visible' &&
      element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 0 && getComputedStyle(element).display !== 'inline')
    const name = (element) => element.tagName + '.' + element.className + ' ' + (element.textContent ?? '').slice(0, 40)
    return [...wide, ...out.map((e) => 'outside ' + name(e)), ...cut.map((e) => 'cut ' + name(e))]
  })()`)
  expect(found).toEqual([])
}
