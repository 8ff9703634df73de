import { reportOf } from '../../../base/errors.ts'
import { createRelayText, errorText, type Language, type RelayText } from '../../../text/relay.ts'
import { may } from '../rights.ts'
import type { ShownSession } from '../routes.ts'
import { accountView } from './account.ts'
import { accountsView } from './accounts.ts'
import { alertsView } from './alerts.ts'
import { ask } from './api.ts'
import { ask as askPerson } from './dialog.ts'
import { button, el } from './dom.ts'
import { registerView, signInView, stepUpView } from './gate.ts'
import { journalView } from './journal.ts'
import { overviewView } from './overview.ts'
import type { Place, Shell, View } from './view.ts'

const sections = [
  ['overview', 'overview.read', overviewView],
  ['alerts', 'alerts.read', alertsView],
  ['accounts', 'accounts.read', accountsView],
  ['journal', 'journal.read', journalView],
] as const

/** Shows the page in the browser's language and theme. */
export function start(): void {
  const page = new AdminPage(navigator.language.startsWith('en') ? 'en' : 'fr')
  followTheme()
  // The page that is open may be opened again by a link that differs behind `#` alone.
  window.addEventListener('hashchange', () => void page.open())
  void page.open()
}

class AdminPage {
  #text: RelayText
  #session: ShownSession | null = null
  #place: Place = { name: 'overview' }
  /** A view that was left does not appear over the one that was asked for later. */
  #turn = 0
  readonly #status = el('p', { role: 'status', class: 'status' })
  readonly #alert = el('p', { role: 'alert', class: 'note danger', hidden: true })
  readonly #main = el('main', { id: 'main' })

  constructor(language: Language) {
    this.#text = createRelayText(language)
  }

  async open(): Promise<void> {
    const { hash } = location
    const link = /^#register=([A-Za-z0-9_-]+)$/.exec(hash)?.[1]
    const stepUp = /^#step-up=([A-Za-z0-9_-]+)$/.exec(hash)?.[1]
    if (link !== undefined) this.#gate('register', link)
    else if (stepUp !== undefined) this.#gate('stepUp', stepUp)
    else await this.#enter()
  }

  async #enter(): Promise<void> {
    try {
      this.#session = await ask('session')
      await this.#show(this.#place)
    } catch (error) {
      this.#session = null
      this.#gate('signIn')
      if (reportOf(error).code !== 'admin.signedOut') this.#complain(error)
    }
  }

  #gate(kind: 'register' | 'stepUp' | 'signIn', link = ''): void {
    const gate = { text: this.#text, day: this.#day, run: this.#run, say: this.#say }
    const heading = el('h1', { tabindex: '-1' }, this.#text(`adminPage.title.${kind}`))
    const replace = (nodes: readonly Node[]): void => {
      this.#main.replaceChildren(heading, ...nodes)
      heading.focus()
    }
    const opened = (session: ShownSession): void => {
      this.#session = session
      void this.#run(async () => this.#show({ name: 'overview' }))
    }
    const done = (nodes: readonly Node[]): void => {
      // What the link held is of no use any more, and not for the history.
      history.replaceState(null, '', location.pathname)
      replace(nodes)
    }
    this.#frame(heading.textContent, null)
    const views = {
      register: () => registerView(gate, link, done),
      signIn: () => signInView(gate, opened),
    }
    if (kind !== 'stepUp') {
      replace(views[kind]())
      return
    }
    replace([])
    void this.#run(async () => replace(await stepUpView(gate, link, done)))
  }

  async #show(place: Place): Promise<void> {
    const session = this.#session
    if (session === null) return
    this.#turn += 1
    const turn = this.#turn
    this.#place = place
    const shell = this.#shell(session)
    const nodes = await viewOf(place)(shell)
    if (turn !== this.#turn) return
    const title = this.#text(`adminPage.section.${place.name}`)
    this.#frame(title, session)
    const heading = el('h1', { tabindex: '-1' }, title)
    this.#main.replaceChildren(heading, ...nodes)
    heading.focus()
  }

  #shell(session: ShownSession): Shell {
    const locale = this.#text.language === 'fr' ? 'fr-FR' : 'en-GB'
    return {
      text: this.#text,
      session,
      may: (right) => may(session.role, right),
      moment: (ms) => new Date(ms).toLocaleString(locale, { dateStyle: 'medium', timeStyle: 'short' }),
      day: this.#day,
      say: this.#say,
      run: this.#run,
      confirm: async (question) => askPerson(question, this.#text),
      show: (place) => void this.#run(async () => this.#show(place)),
    }
  }

  readonly #day = (ms: number): string => {
    const locale = this.#text.language === 'fr' ? 'fr-FR' : 'en-GB'
    return new Date(ms).toLocaleDateString(locale, { dateStyle: 'medium', timeZone: 'UTC' })
  }

  readonly #say = (sentence: string): void => {
    this.#status.textContent = sentence
  }

  readonly #run = async (work: () => Promise<void>): Promise<void> => {
    this.#alert.hidden = true
    this.#status.textContent = ''
    try {
      await work()
    } catch (error) {
      if (reportOf(error).code === 'admin.signedOut') {
        this.#session = null
        this.#gate('signIn')
      }
      this.#complain(error)
    }
  }

  #complain(error: unknown): void {
    this.#alert.hidden = false
    this.#alert.textContent = errorText(this.#text, reportOf(error).code)
  }

  #frame(title: string, session: ShownSession | null): void {
    const text = this.#text
    document.documentElement.lang = text.language
    document.title = `Valise · ${title}`
    const other = text.language === 'fr' ? 'en' : 'fr'
    const language = button(
      text('adminPage.otherLanguage'),
      async () => {
        this.#text = createRelayText(other)
        await (this.#session === null ? this.open() : this.#run(async () => this.#show(this.#place)))
      },
      { class: 'btn quiet', lang: other },
    )
    const skip = el('a', { class: 'skip', href: '#main' }, text('adminPage.skip'))
    skip.addEventListener('click', (event) => {
      event.preventDefault()
      this.#main.querySelector('h1')?.focus()
    })
    const header = el('header', {}, el('p', { class: 'brand' }, text('adminPage.brand')), language)
    if (session !== null) header.append(...this.#identity(session))
    const nav = session === null ? [] : [this.#navigation(session)]
    const root = document.querySelector('#root')
    root?.replaceChildren(skip, header, ...nav, this.#alert, this.#main, this.#status)
  }

  #identity({ displayName, role }: ShownSession): readonly Node[] {
    const text = this.#text
    const leave = async (): Promise<void> => {
      await ask('signOut')
      this.#session = null
      this.#place = { name: 'overview' }
      this.#gate('signIn')
      this.#say(text('adminPage.signedOut'))
    }
    const who = text('adminPage.who', { name: displayName, role: text(`relayAccounts.role.${role}`) })
    return [el('p', { class: 'who' }, who), button(text('adminPage.signOut'), async () => this.#run(leave))]
  }

  #navigation({ role }: ShownSession): HTMLElement {
    const items = sections
      .filter(([, right]) => may(role, right))
      .map(([name]) => {
        const current = this.#place.name === name
        const go = async (): Promise<void> => this.#run(async () => this.#show({ name }))
        const attributes = { class: 'tab', ...(current ? { 'aria-current': 'page' } : {}) }
        return el('li', {}, button(this.#text(`adminPage.section.${name}`), go, attributes))
      })
    return el('nav', { 'aria-label': this.#text('adminPage.sections') }, el('ul', {}, ...items))
  }
}

function viewOf(place: Place): View {
  if (place.name === 'account') return accountView(place.accountId)
  return sections.find(([name]) => name === place.name)?.[2] ?? overviewView
}

function followTheme(): void {
  const [dark, contrast] = ['(prefers-color-scheme: dark)', '(prefers-contrast: more)'].map((query) =>
    matchMedia(query),
  )
  const apply = (): void => {
    const theme = contrast?.matches === true ? 'contrast' : dark?.matches === true ? 'dark' : 'light'
    document.documentElement.dataset['theme'] = theme
  }
  for (const query of [dark, contrast]) query?.addEventListener('change', apply)
  apply()
}
