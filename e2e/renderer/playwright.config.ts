import { defineConfig } from '@playwright/test'

/** The built page in Debian's Chromium, with a fake engine behind it. `npx playwright test -c e2e/renderer`. */
const config = defineConfig({
  testDir: '.',
  testMatch: '*.spec.ts',
  // Pictures are made on demand (docs/screens).
  testIgnore: process.env['VALISE_PICTURES'] === '1' ? [] : ['screens.spec.ts'],
  outputDir: '../../out/e2e-renderer/results',
  globalSetup: './serve.config.ts',
  fullyParallel: true,
  workers: 2,
  // Generous, for a machine that is busy with other things; a good run waits for none of it.
  timeout: 240_000,
  expect: { timeout: 30_000 },
  reporter: [['line']],
  use: {
    viewport: { width: 1280, height: 800 },
    timezoneId: 'Europe/Paris',
    locale: 'fr-FR',
    launchOptions: {
      executablePath: '/usr/bin/chromium',
      // Chromium's sandbox refuses to start for root; what it guards is tested in the real Electron.
      args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
    },
  },
})
export { config as default }
