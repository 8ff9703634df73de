import type { Page } from '@playwright/test'
import { expect, expectAccessible, expectNoClipping, test } from './harness.ts'
import { code, enrolment, invitation, managed, scenario } from './scenarios.ts'

const fixed = { ...enrolment, managed: { ...managed, relayAddress: 'valise.cabinet.exemple.gouv.example' } }
const passphrase = 'cinq mots bien assez longs'

const words = {
  fr: {
    invitation: 'Invitation',
    next: 'Continuer',
    back: 'Retour',
    reachable: 'Joignable',
    protect: 'Protéger ce poste',
    name: 'Nom de ce poste',
    keyStore: /Session de l’ordinateur/,
    passphrase: 'Phrase de passe',
    confirm: 'Confirmer',
    done: 'Votre valise est prête',
  },
  en: {
    invitation: 'Invitation',
    next: 'Continue',
    back: 'Back',
    reachable: 'Reachable',
    protect: 'Protect this workstation',
    name: 'Name of this workstation',
    keyStore: /Computer session/,
    passphrase: 'Passphrase',
    confirm: 'Confirm',
    done: 'Your Valise is ready',
  },
} as const

const field = (page: Page, label: string) => page.getByRole('textbox', { name: label, exact: true })

for (const locale of ['fr', 'en'] as const) {
  const say = words[locale]
  test(`a person enrols with a folded invitation and the key store (${locale})`, async ({ page, valise }) => {
    await valise.open(scenario(enrolment, { appearance: { locale, theme: 'light' } }))
    await field(page, say.invitation).fill(` ${invitation.slice(0, 30)}\n  ${invitation.slice(30)}\n`)
    await expect(page.getByText(say.reachable)).toBeVisible()
    await expect(page.getByText('Solène Vauquelard', { exact: false })).toBeVisible()
    await page.getByRole('button', { name: say.next }).click()
    await expect(page.getByRole('heading', { name: say.protect })).toBeFocused()
    await field(page, say.name).fill('CAB-7')
    await page.getByRole('radio', { name: say.keyStore }).check()
    await page.getByRole('button', { name: say.next }).click()
    await expect(page.getByRole('heading', { name: say.done })).toBeVisible()
    expect(await valise.calls('enrolment.complete')).toEqual([
      { invitation, deviceName: 'CAB-7', protection: { kind: 'osKeyStore' } },
    ])
  })

  test(`a person enrols by keyboard alone with a code and a passphrase (${locale})`, async ({
    page,
    valise,
  }) => {
    await valise.open(scenario({ ...fixed, osKeyStore: false }, { appearance: { locale, theme: 'light' } }))
    const keys = page.keyboard
    await expect(page.getByRole('heading', { level: 1 })).toBeFocused()
    // Server, why it is fixed, code.
    for (let stop = 0; stop < 3; stop += 1) await keys.press('Tab')
    await keys.type('k7qm-24xd-9pla')
    await keys.press('Enter')
    await expect(page.getByRole('heading', { name: say.protect })).toBeFocused()
    // Name, the only card, passphrase, its show button, confirmation.
    for (let stop = 0; stop < 3; stop += 1) await keys.press('Tab')
    await keys.type(passphrase)
    await keys.press('Tab')
    await keys.press('Tab')
    await keys.type(passphrase)
    await keys.press('Enter')
    await expect(page.getByRole('heading', { name: say.done })).toBeVisible()
    const [sent] = await valise.calls('enrolment.complete')
    expect(sent).toEqual({
      invitation: 'K7QM24XD9PLA',
      deviceName: enrolment.deviceName,
      protection: { kind: 'passphrase', passphrase },
    })
  })
}

test('what is missing is said beside the button that waits for it', async ({ page, valise }) => {
  await valise.open(scenario(fixed))
  const next = page.getByRole('button', { name: 'Continuer' })
  await expect(next).toHaveAttribute('aria-disabled', 'true')
  await page.getByLabel('Code d’invitation').fill('K7QM-24XD-9')
  await expect(next).toHaveAccessibleDescription('Il manque 3\u00a0caractères au code pour continuer.')
  await page.getByLabel('Code d’invitation').fill('K7QM-24XD-9PL')
  await expect(next).toHaveAccessibleDescription('Il manque 1\u00a0caractère au code pour continuer.')
  await next.click({ force: true })
  expect(await valise.calls('enrolment.inspect')).toEqual([])
  await page.getByRole('button', { name: 'Adresse fixée par votre service informatique' }).click()
  await expect(page.getByText('Votre organisation impose ce serveur')).toBeVisible()
  await page.getByRole('button', { name: 'Je n’ai pas de code' }).click()
  await expect(page.getByText('Seul votre service informatique peut vous inviter')).toBeVisible()
})

test('a refused invitation is explained and can be corrected', async ({ page, valise }) => {
  await valise.open(scenario(enrolment))
  const input = page.getByRole('textbox', { name: 'Invitation', exact: true })
  for (const [refusal, sentence] of [
    ['invitation.used', 'Cette invitation a déjà servi'],
    ['relay.certificate', 'n’est pas celui de votre organisation'],
    ['relay.unreachable', 'Le serveur est injoignable'],
  ] as const) {
    await valise.fail('enrolment.inspect', { code: refusal, details: {} })
    await input.fill(`valise:${refusal}`)
    // Told once typing pauses, without a click; a click asks again.
    await expect(page.getByRole('alert').filter({ hasText: sentence })).toBeVisible()
    await valise.fail('enrolment.inspect', { code: refusal, details: {} })
    await page.getByRole('button', { name: 'Continuer' }).click()
    await expect(page.getByRole('alert').filter({ hasText: sentence })).toBeVisible()
    await expect(input).toHaveAttribute('aria-invalid', 'true')
    await expect(input).toBeFocused()
  }
  await input.fill('bonjour')
  await expect(page.getByRole('button', { name: 'Continuer' })).toHaveAccessibleDescription(/commence par/)
  await input.fill(invitation)
  await expect(page.getByText('Joignable')).toBeVisible()
})

test('an answer about a former text is not taken', async ({ page, valise }) => {
  await valise.open(scenario(enrolment))
  const input = page.getByRole('textbox', { name: 'Invitation', exact: true })
  await valise.hold('enrolment.inspect')
  await input.fill(invitation)
  await expect(page.getByText('Vérification…')).toBeVisible()
  await input.fill('valise:other')
  await valise.release('enrolment.inspect')
  await expect(page.getByRole('alert').filter({ hasText: 'ne connaît pas cette invitation' })).toBeVisible()
  await expect(page.getByText('Joignable')).toHaveCount(0)
})

test('passphrases: length, confirmation, showing them, policy', async ({ page, valise }) => {
  const strict = { ...managed, passphraseRequired: true, passphraseMinLength: 20 }
  await valise.open(scenario({ ...enrolment, managed: strict }))
  await page.getByRole('textbox', { name: 'Invitation', exact: true }).fill(invitation)
  await page.getByRole('button', { name: 'Continuer' }).click()
  await expect(page.getByRole('radio')).toHaveCount(1)
  await expect(page.getByText('Exigée par votre organisation')).toBeVisible()
  const first = page.getByLabel('Phrase de passe', { exact: true })
  const second = page.getByLabel('Confirmer')
  const next = page.getByRole('button', { name: 'Continuer' })
  await first.fill('cinq mots')
  await expect(next).toHaveAccessibleDescription('Il manque 11\u00a0caractères à la phrase de passe.')
  await first.fill(passphrase)
  await expect(page.getByText('5\u00a0mots, 26\u00a0caractères')).toBeVisible()
  await second.fill('autre chose')
  await expect(next).toHaveAccessibleDescription(/diffèrent/)
  await next.click({ force: true })
  expect(await valise.calls('enrolment.complete')).toEqual([])
  await page.getByRole('button', { name: 'Afficher la phrase de passe' }).click()
  await expect(first).toHaveAttribute('type', 'text')
  await expect(second).toHaveAttribute('type', 'text')
  await second.fill(passphrase)
  await valise.fail('enrolment.complete', { code: 'vault.diskFull', details: {} })
  await next.click()
  await expect(page.getByRole('alert').filter({ hasText: 'Le disque est plein' })).toBeVisible()
  await expect(first).toHaveValue(passphrase)
  await next.click()
  await expect(page.getByRole('heading', { name: 'Votre valise est prête' })).toBeVisible()
})

test('going back keeps what was typed; the language can be changed at any time', async ({ page, valise }) => {
  await valise.open(scenario(enrolment))
  await page.getByRole('textbox', { name: 'Invitation', exact: true }).fill(invitation)
  await page.getByRole('button', { name: 'Continuer' }).click()
  await page.getByRole('button', { name: 'Retour' }).click()
  await expect(page.getByRole('textbox', { name: 'Invitation', exact: true })).toHaveValue(invitation)
  await page.getByRole('button', { name: 'English' }).click()
  await expect(page.getByRole('heading', { name: 'Welcome to Valise' })).toBeVisible()
  await expect(page.locator('html')).toHaveAttribute('lang', 'en')
  await expect(page).toHaveTitle('Valise — Welcome')
})

for (const theme of ['light', 'dark', 'contrast'] as const) {
  test(`enrolment is accessible and nothing is cut off (${theme})`, async ({ page, valise }) => {
    await valise.open(scenario(fixed, { appearance: { locale: 'fr', theme } }))
    const sizes = [
      { width: 1280, height: 800 },
      { width: 720, height: 480 },
      { width: 640, height: 400 },
    ]
    await expectAccessible(page)
    await page.getByLabel('Code d’invitation').fill(code)
    await expect(page.getByText('Joignable')).toBeVisible()
    await expectAccessible(page)
    for (const size of sizes) {
      await page.setViewportSize(size)
      await expectNoClipping(page)
    }
    await page.getByRole('button', { name: 'Continuer' }).click()
    await page.getByRole('radio', { name: /Phrase de passe/ }).check()
    await expectAccessible(page)
    for (const size of sizes) {
      await page.setViewportSize(size)
      await expectNoClipping(page)
    }
  })
}
