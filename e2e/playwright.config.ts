import { defineConfig } from '@playwright/test'

export default defineConfig({
  testDir: '.',
  testIgnore: 'renderer/**',
  timeout: 60_000,
  workers: 2,
  fullyParallel: true,
  forbidOnly: process.env['CI'] !== undefined,
  outputDir: '../out/e2e',
  reporter: [['list'], ['json', { outputFile: '../out/reports/e2e.json' }]],
  use: { trace: 'retain-on-failure' },
})
