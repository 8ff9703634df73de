import { test as base, expect, type CDPSession, type Page } from '@playwright/test'
import { expectAccessible } from '../renderer/harness.ts'
import { AdminRelay } from './relay.ts'

/** Made when they are wanted, to be looked at. */
const pictures = process.env['VALISE_PICTURES'] === '1' ? 'out/e2e-admin' : null
let relay: AdminRelay

base.beforeAll(async () => {
  relay = await AdminRelay.start()
})

base.afterAll(async () => relay.end())

/** Each test fails when the page breaks its own policy or logs an error that it was not refused by the relay with. */
const test = base.extend<{ keys: CDPSession }>({
  keys: async ({ page }, use) => {
    const complaints: string[] = []
    page.on('console', (line) => {
      const refused = /Failed to load resource: the server responded with a status of 4\d\d/.test(line.text())
      if ((line.type() === 'error' || line.type() === 'warning') && !refused) complaints.push(line.text())
    })
    page.on('pageerror', (error) => complaints.push(String(error)))
    const keys = await page.context().newCDPSession(page)
    await keys.send('WebAuthn.enable')
    await keys.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2',
        transport: 'usb',
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
      },
    })
    await use(keys)
    expect(complaints).toEqual([])
  },
})

async function register(page: Page, account: string): Promise<void> {
  await page.goto(await relay.link(account))
  await page.getByRole('button', { name: 'Enregistrer mon second facteur' }).click()
  await expect(page.getByText('est enregistré')).toBeVisible()
  expect(new URL(page.url()).hash).toBe('')
}

async function signIn(page: Page, account: string): Promise<void> {
  await register(page, account)
  await page.goto(`${relay.origin}/`)
  await page.getByRole('button', { name: 'S’identifier avec le second facteur' }).click()
  await expect(page.getByRole('heading', { level: 1, name: 'État' })).toBeFocused()
}

const alert = {
  id: 7,
  at: 1_795_000_000_000,
  accountId: '2b0e6cf4-6d0a-4c33-9f0e-5d7c9c7c1a11',
  deviceId: 1,
  budget: 'directory',
  kind: 'hard',
  level: 'device',
  used: 150,
  limit: 150,
  acknowledgedAt: null,
  reason: '',
}

test('a link registers a second factor once, which signs in; the session ends when one leaves', async ({
  page,
  keys,
}) => {
  expect(keys).toBeDefined()
  const account = await relay.account('Anne Legrand', 'administrator')
  const link = await relay.link(account)
  await page.goto(link)
  await expectAccessible(page)
  await page.getByRole('button', { name: 'Enregistrer mon second facteur' }).click()
  await expect(page.getByText('Anne Legrand est enregistré')).toBeVisible()
  await page.goto('about:blank')
  await page.goto(link)
  await page.getByRole('button', { name: 'Enregistrer mon second facteur' }).click()
  await expect(page.getByRole('alert')).toContainText('Ce lien n’est pas valable')
  await page.goto('about:blank')
  await page.goto(`${relay.origin}/`)
  await expectAccessible(page)
  await page.getByRole('button', { name: 'S’identifier avec le second facteur' }).press('Enter')
  await expect(page.getByText('Anne Legrand, administrateur')).toBeVisible()
  await page.reload()
  await expect(page.getByText('Anne Legrand, administrateur')).toBeVisible()
  const [cookie] = await page.context().cookies()
  expect(cookie).toMatchObject({ httpOnly: true, secure: true, sameSite: 'Strict' })
  await page.getByRole('button', { name: 'Quitter' }).click()
  await expect(page.getByText('Session close.')).toBeVisible()
  await page.reload()
  await expect(page.getByRole('button', { name: 'S’identifier avec le second facteur' })).toBeVisible()
})

test('an authenticator that does not verify its person is refused', async ({ page, keys }) => {
  await page.goto(await relay.link(await relay.account('Zoé Petit', 'auditor')))
  await keys.send('WebAuthn.disable')
  await keys.send('WebAuthn.enable')
  const { authenticatorId } = await keys.send('WebAuthn.addVirtualAuthenticator', {
    options: { protocol: 'ctap2', transport: 'usb', hasResidentKey: true, hasUserVerification: true },
  })
  const button = page.getByRole('button', { name: 'Enregistrer mon second facteur' })
  await button.click()
  await expect(page.getByRole('status')).toContainText('n’a rien confirmé')
  // That was the only reason.
  await keys.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: true })
  await button.click()
  await expect(page.getByText('est enregistré')).toBeVisible()
})

test('a step-up says what it is for, and confirms', async ({ page, keys }) => {
  expect(keys).toBeDefined()
  await register(page, await relay.account('Paul Roux', 'member'))
  const stepUp = 'AAAAAAAAAAAAAAAAAAAAAA'
  await page.goto(`${relay.origin}/#step-up=${stepUp}`)
  await expect(page.getByRole('alert')).toContainText('n’est plus attendue')
  // What a workstation was refused, without one: the relay's own tests confirm a real one.
  const asked = {
    deviceId: 2,
    lastSeenDay: 1_795_000_000_000,
    budget: 'directory',
    windowMs: 3_600_000,
    endsAt: 2e12,
  }
  await page.route('**/admin/v1/step-up', async (route) => route.fulfill({ json: asked }))
  await page.route('**/admin/v1/step-up/begin', async (route) =>
    route.continue({ url: `${relay.origin}/admin/v1/sign-in/begin`, postData: '{}' }),
  )
  await page.route('**/admin/v1/step-up/finish', async (route) => {
    expect(route.request().postDataJSON()).toMatchObject({ stepUp, credential: { type: 'public-key' } })
    await route.fulfill({ json: { displayName: 'Paul Roux' } })
  })
  await page.goto('about:blank')
  await page.goto(`${relay.origin}/#step-up=${stepUp}`)
  await expect(page.getByRole('heading', { level: 1 })).toContainText('seuil de prudence')
  await expect(page.getByText(/Le poste nº\s2/)).toContainText('personnes montrées par l’annuaire')
  await expect(page.getByText('quelqu’un d’autre se sert peut-être')).toBeVisible()
  await expectAccessible(page)
  await page.getByRole('button', { name: 'Confirmer avec le second facteur' }).click()
  await expect(page.getByText('C’est confirmé pour Paul Roux')).toBeVisible()
  await page.goto(`${relay.origin}/`)
  await page.getByRole('button', { name: 'S’identifier avec le second facteur' }).click()
  await expect(page.getByRole('alert')).toContainText('Votre rôle ne le permet pas')
})

test('an administrator finds, disables and invites by the keyboard alone, and all of it is in the journal', async ({
  page,
  keys,
}) => {
  expect(keys).toBeDefined()
  const target = await relay.account('Émile Strauß', 'member')
  await signIn(page, await relay.account('Claire Blanc', 'administrator'))
  await page.getByRole('button', { name: 'Comptes', exact: true }).press('Enter')
  await expect(page.getByRole('heading', { level: 1, name: 'Comptes' })).toBeFocused()
  await page.keyboard.press('Tab')
  await page.keyboard.type('strauss')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('status')).toHaveText('1 sur 1 montrés')
  await page.getByRole('button', { name: 'Émile Strauß' }).press('Enter')
  await expect(page.getByRole('heading', { level: 1, name: 'Compte' })).toBeFocused()
  await page.getByRole('button', { name: 'Désactiver le compte' }).press('Enter')
  await expect(page.getByRole('button', { name: 'Annuler' })).toBeFocused()
  await expectAccessible(page)
  await page.keyboard.press('Escape')
  await expect(page.getByRole('dialog')).toHaveCount(0)
  await expect(page.getByRole('button', { name: 'Désactiver le compte' })).toBeFocused()
  await page.keyboard.press('Enter')
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('status')).toContainText('Fait')
  await expect(page.getByRole('button', { name: 'Réactiver le compte' })).toBeVisible()
  await page.getByRole('button', { name: 'Remettre à zéro : personnes montrées' }).click()
  await page.getByLabel('Motif').fill('fausse alerte')
  await page.getByRole('dialog').getByRole('button', { name: 'Remettre à zéro' }).click()
  await expect(page.getByRole('status')).toHaveText('La limite est remise à zéro.')
  await page.getByRole('button', { name: 'Comptes', exact: true }).click()
  await page.getByLabel('Nom (obligatoire)').fill('Inès Faure')
  await page.getByRole('button', { name: 'Créer l’invitation' }).click()
  await expect(page.getByLabel('Texte de l’invitation')).not.toBeEmpty()
  await expectAccessible(page)
  await page.getByRole('button', { name: 'Journal' }).click()
  const rows = page.getByRole('row')
  await expect(rows.nth(1)).toContainText('a créé un compte')
  await expect(rows.filter({ hasText: 'directory: fausse alerte' })).toHaveCount(1)
  await expect(rows.filter({ hasText: target }).filter({ hasText: 'a désactivé un compte' })).toHaveCount(1)
  await page.getByRole('button', { name: 'Vérifier tout le journal' }).click()
  await expect(page.getByRole('status').first()).not.toBeEmpty()
})

test('an auditor sees no account and no act; the page is English where one wants it', async ({
  page,
  keys,
}) => {
  expect(keys).toBeDefined()
  await page.route('**/admin/v1/alerts*', async (route) => route.fulfill({ json: { alerts: [alert] } }))
  await signIn(page, await relay.account('Nadia Cohen', 'auditor'))
  await expect(page.getByRole('button', { name: 'Comptes', exact: true })).toHaveCount(0)
  await page.getByRole('button', { name: 'Alertes' }).click()
  await expect(page.getByText('Limite atteinte : personnes montrées par l’annuaire')).toBeVisible()
  await expect(page.getByRole('button', { name: 'Prendre note' })).toHaveCount(0)
  await page.getByRole('button', { name: 'English' }).click()
  await expect(page.getByRole('heading', { level: 1, name: 'Alerts' })).toBeVisible()
  expect(await page.evaluate('document.documentElement.lang')).toBe('en')
})

for (const theme of ['light', 'dark', 'contrast'] as const) {
  test(`every section is accessible, ${theme}, also in a narrow window`, async ({ page, keys }) => {
    expect(keys).toBeDefined()
    await page.emulateMedia({
      colorScheme: theme === 'dark' ? 'dark' : 'light',
      contrast: theme === 'contrast' ? 'more' : 'no-preference',
    })
    await page.route('**/admin/v1/alerts*', async (route) =>
      route.fulfill({
        json: {
          alerts: [alert, { ...alert, id: 6, kind: 'soft', acknowledgedAt: 1, reason: 'vu avec elle' }],
        },
      }),
    )
    const account = await relay.account(`Yves ${theme}`, 'administrator')
    await signIn(page, account)
    for (const section of ['État', 'Alertes', 'Comptes', 'Journal'] as const) {
      await page.getByRole('button', { name: section, exact: true }).click()
      await expect(page.getByRole('heading', { level: 1, name: section })).toBeVisible()
      if (section === 'Comptes') {
        await page.getByRole('button', { name: 'Chercher' }).click()
        await expect(page.getByRole('table')).toBeVisible()
      }
      await seen(page, `${section}-${theme}`)
    }
    await page.getByRole('button', { name: 'Comptes', exact: true }).click()
    await page.getByRole('button', { name: 'Chercher' }).click()
    await page.getByRole('button', { name: `Yves ${theme}` }).click()
    await expect(page.getByRole('heading', { level: 1, name: 'Compte' })).toBeVisible()
    await seen(page, `Compte-${theme}`)
  })
}

async function seen(page: Page, name: string): Promise<void> {
  for (const [width, height] of [
    [1280, 800],
    [720, 480],
    [400, 640],
  ] as const) {
    await page.setViewportSize({ width, height })
    await expectAccessible(page)
    await expectPageFits(page)
    if (pictures !== null) await page.screenshot({ path: `${pictures}/${name}-${width}.png` })
  }
  await page.setViewportSize({ width: 1280, height: 800 })
}

/** Tables scroll by themselves; the page never does sideways. */
async function expectPageFits(page: Page): Promise<void> {
  expect(await page.evaluate('document.documentElement.scrollWidth > innerWidth')).toBe(false)
}
