import type { Page } from '@playwright/test'
import type { Alert } from '../../src/contract/index.ts'
import { expect, expectAccessible, expectNoClipping, test } from './harness.ts'
import { at, devices, offline, ready, scenario } from './scenarios.ts'

const openPage = async (page: Page, name: string): Promise<void> => {
  await page.keyboard.press('Control+3')
  await page.getByRole('button', { name, exact: true }).click()
}

for (const [locale, privacy, names, on, off] of [
  [
    'fr',
    'Confidentialité',
    ['Accusés de remise', 'Accusés de lecture', 'Indicateur de saisie'],
    'Activé',
    'Désactivé',
  ],
  ['en', 'Privacy', ['Delivery receipts', 'Read receipts', 'Typing indicator'], 'On', 'Off'],
] as const) {
  test(`privacy: three switches that say their state in a word (${locale})`, async ({ page, valise }) => {
    await valise.open(scenario(ready(), { appearance: { locale, theme: 'light' } }))
    await openPage(page, privacy)
    const [delivery, read, typing] = names
    await expect(page.getByRole('switch', { name: read })).toHaveAttribute('aria-checked', 'true')
    await expect(page.getByRole('switch', { name: read })).toHaveText(on)
    await page.getByRole('switch', { name: read }).click()
    await expect(page.getByRole('switch', { name: read })).toHaveText(off)
    await page.getByRole('switch', { name: delivery }).focus()
    await page.keyboard.press('Space')
    await page.getByRole('switch', { name: typing }).click()
    await expect(page.getByRole('switch', { name: typing })).toHaveAttribute('aria-checked', 'true')
    expect(await valise.calls('account.settings')).toEqual([
      { readReceipts: false },
      { deliveryReceipts: false },
      { typingNotices: true },
    ])
    await expectAccessible(page)
  })
}

test('a setting that is refused says why and stays as it was', async ({ page, valise }) => {
  await valise.open(scenario(ready()))
  await openPage(page, 'Confidentialité')
  await valise.fail('account.settings', { code: 'vault.diskFull', details: {} })
  await page.getByRole('switch', { name: 'Accusés de lecture' }).click()
  await expect(page.getByRole('alert').filter({ hasText: 'Le disque est plein' })).toBeVisible()
  await expect(page.getByRole('switch', { name: 'Accusés de lecture' })).toHaveAttribute(
    'aria-checked',
    'true',
  )
})

test('devices: which is this one, the others with fingerprint and last day', async ({ page, valise }) => {
  await valise.open(scenario(ready()))
  await openPage(page, 'Postes liés')
  const main = page.getByRole('main')
  await expect(main).toContainText(/Ce poste\s*CAB-114 Actif/)
  await expect(main).toContainText('En service depuis le 14 octobre 2026 · vu le 20 octobre 2026')
  await expect(main).toContainText('19F2 C84E 0B7A 6D35')
  await expect(page.getByRole('button', { name: 'Retirer CAB-114…' })).toHaveCount(0)
  await expect(page.getByRole('button', { name: 'Lier un poste…' })).toHaveAccessibleDescription(
    /3\spostes par agent/,
  )
  await expectAccessible(page)
})

for (const [reason, choice] of [
  ['retired', 'Mis hors service'],
  ['lost', 'Perdu ou volé'],
] as const) {
  test(`removing a device asks why and says what follows: ${reason}`, async ({ page, valise }) => {
    await valise.open(scenario(ready()))
    await openPage(page, 'Postes liés')
    await page.getByRole('button', { name: 'Retirer PORTABLE-CAB-31…' }).click()
    const dialog = page.getByRole('dialog', { name: 'Retirer PORTABLE-CAB-31' })
    await expect(dialog.getByRole('radio', { name: 'Mis hors service' })).toBeFocused()
    const confirm = dialog.getByRole('button', { name: 'Retirer ce poste' })
    await expect(confirm).toHaveAccessibleDescription('Choisissez une raison pour continuer.')
    await confirm.click({ force: true })
    expect(await valise.calls('device.remove')).toEqual([])
    await expect(dialog.getByRole('radio', { name: choice })).not.toBeChecked()
    await expectAccessible(page)
    await dialog.getByRole('radio', { name: choice }).check()
    await confirm.click()
    await expect(dialog).toHaveCount(0)
    await expect(page.getByText('Aucun autre poste n’est lié à votre compte.')).toBeVisible()
    // The row took its button away; the focus stays on the page.
    await expect(page.getByText('Chaque poste a sa propre clé')).toBeFocused()
    expect(await valise.calls('device.remove')).toEqual([{ deviceId: 2, reason }])
  })
}

test('linking: the code is typed by hand, counted, refused and taken', async ({ page, valise }) => {
  await valise.open(scenario(ready()))
  await openPage(page, 'Postes liés')
  await page.getByRole('button', { name: 'Lier un poste…' }).click()
  const dialog = page.getByRole('dialog', { name: 'Lier un poste' })
  await expect(dialog.getByRole('button', { name: 'Copier' })).toBeFocused()
  const field = dialog.getByRole('textbox', { name: 'Code affiché par le nouveau poste' })
  await expect(field).toHaveAccessibleDescription(/Seule une personne assise devant les deux postes/)
  const confirm = dialog.getByRole('button', { name: 'Lier ce poste' })
  await expect(confirm).toHaveAccessibleDescription('Tapez le code pour continuer.')
  await page.keyboard.press('Tab')
  await expect(field).toBeFocused()
  await page.keyboard.type('k7qm 24xd')
  await expect(confirm).toHaveAccessibleDescription('Il manque 12\u00a0caractères au code.')
  await page.keyboard.press('Enter')
  expect(await valise.calls('device.link')).toEqual([])
  await field.fill('AAAA-AAAA-AAAA-AAAA-AAAA')
  await page.keyboard.press('Enter')
  await expect(
    dialog.getByRole('alert').filter({ hasText: 'Aucun poste n’attend avec ce code' }),
  ).toBeVisible()
  await expect(field).toBeFocused()
  const address = 'https://relay.example:9443/#step-up=AAAAAAAAAAAAAAAAAAAAAA'
  await valise.fail('device.link', { code: 'budget.stepUp', details: { seconds: 60, address } })
  await page.keyboard.press('Enter')
  await dialog.getByRole('button', { name: 'Confirmer dans le navigateur…' }).click()
  expect(await valise.calls('link.open')).toEqual([{ address }])
  await expectAccessible(page)
  await field.fill('k7qm-24xd-9pla-w3rt-y6bn')
  await page.keyboard.press('Enter')
  await expect(dialog.getByText('Le poste est lié à votre compte.')).toBeVisible()
  await dialog
    .getByRole('contentinfo')
    .or(dialog.locator('footer'))
    .getByRole('button', { name: 'Fermer' })
    .click()
  await expect(page.getByRole('main')).toContainText('CAB-207')
  const limit = page.getByRole('button', { name: 'Lier un poste…' })
  await expect(limit).toHaveAttribute('aria-disabled', 'true')
  await expect(limit).toHaveAccessibleDescription(/Limite de 3\spostes atteinte/)
  expect(await valise.calls('device.link')).toEqual([
    { code: 'AAAAAAAAAAAAAAAAAAAA' },
    { code: 'AAAAAAAAAAAAAAAAAAAA' },
    { code: 'K7QM24XD9PLAW3RTY6BN' },
  ])
})

const alert = (alertId: number, kind: Alert['kind'], deviceName = ''): Alert => ({
  alertId,
  kind,
  deviceName,
  at: at('10:50'),
})

for (const [locale, added, copied, see, understood] of [
  [
    'fr',
    'Un poste a été lié à votre compte : CAB-207, 10:50.',
    'du coffre de ce poste a été utilisée',
    'Voir les postes',
    'J’ai compris',
  ],
  [
    'en',
    'A workstation was linked to your account: CAB-207, 10:50.',
    'this workstation’s vault was used',
    'See the workstations',
    'Understood',
  ],
] as const) {
  test(`alerts: one at a time, the gravest first, until they are read (${locale})`, async ({
    page,
    valise,
  }) => {
    const alerts = [alert(1, 'deviceAdded', 'CAB-207'), alert(2, 'vaultCopied')]
    await valise.open(
      scenario(ready({ alerts, connection: offline }), { appearance: { locale, theme: 'light' } }),
    )
    const band = page.locator('.banner')
    await expect(band).toHaveCount(1)
    await expect(band).toContainText(copied)
    await expectAccessible(page)
    await page.getByRole('button', { name: understood }).click()
    await expect(band).toContainText(added)
    await page.getByRole('button', { name: see }).click()
    await expect(page.getByText(devices[1]?.name ?? '')).toBeVisible()
    await page.getByRole('button', { name: understood }).click()
    expect(await valise.calls('alert.dismiss')).toEqual([{ alertId: 2 }, { alertId: 1 }])
    // Then the network has its banner again.
    await expect(band).toContainText('10:53')
  })
}

test('every kind of alert has its words, with and without a name', async ({ page, valise }) => {
  await valise.open(scenario(ready()))
  const band = page.locator('.banner')
  for (const kind of ['deviceAdded', 'deviceRemoved', 'identityReplaced', 'vaultCopied'] as const) {
    await valise.emit({ kind: 'alerts', alerts: [alert(1, kind, 'PORTABLE-9')] })
    await expect(band).toContainText('PORTABLE-9')
    await valise.emit({ kind: 'alerts', alerts: [alert(1, kind)] })
    await expect(band).not.toContainText('PORTABLE-9')
    await expect(band).toContainText('10:50')
  }
})

for (const theme of ['dark', 'contrast'] as const) {
  test(`settings and alerts are accessible (${theme})`, async ({ page, valise }) => {
    await valise.open(
      scenario(ready({ alerts: [alert(1, 'identityReplaced')] }), { appearance: { locale: 'fr', theme } }),
    )
    for (const name of ['Confidentialité', 'Postes liés', 'Affichage et langue']) {
      await openPage(page, name)
      await expectAccessible(page)
    }
    await openPage(page, 'Postes liés')
    await page.getByRole('button', { name: 'Lier un poste…' }).click()
    await expectAccessible(page)
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Retirer PORTABLE-CAB-31…' }).click()
    await expectAccessible(page)
  })
}

for (const [width, height] of [
  [720, 480],
  [640, 400],
] as const) {
  test(`settings, alerts and their dialogs at ${width} × ${height}`, async ({ page, valise }) => {
    await page.setViewportSize({ width, height })
    await valise.open(scenario(ready({ alerts: [alert(1, 'deviceAdded', 'CAB-207')] })))
    for (const name of ['Confidentialité', 'Postes liés', 'Affichage et langue']) {
      await openPage(page, name)
      await expectNoClipping(page)
    }
    await openPage(page, 'Postes liés')
    await page.getByRole('button', { name: 'Retirer PORTABLE-CAB-31…' }).click()
    await expect(page.getByRole('button', { name: 'Retirer ce poste' })).toBeInViewport({ ratio: 1 })
    await expectNoClipping(page)
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Lier un poste…' }).click()
    await expect(page.getByRole('button', { name: 'Lier ce poste' })).toBeInViewport({ ratio: 1 })
    await expectNoClipping(page)
  })
}
