import { defineConfig } from '@playwright/test'

/** The relay's administrator's page in Debian's Chromium, with the real relay. `npx playwright test -c e2e/admin`. */
const config = defineConfig({
  testDir: '.',
  testMatch: '*.spec.ts',
  outputDir: '../../out/e2e-admin/results',
  workers: 1,
  // Generous, for a machine that is busy with other things; a good run waits for none of it.
  timeout: 240_000,
  expect: { timeout: 60_000 },
  reporter: [['line']],
  use: {
    viewport: { width: 1280, height: 800 },
    timezoneId: 'Europe/Paris',
    locale: 'fr-FR',
    launchOptions: {
      executablePath: '/usr/bin/chromium',
      args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
    },
  },
})
export { config as default }
