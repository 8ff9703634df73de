import { defineConfig } from '@playwright/test'

export default defineConfig({
  testDir: '.',
  testIgnore: 'renderer/**',
  timeout: 60_000,
  workers: 2,
  fullyParallel: true,
  forbidOnly: process.env['CI'] !== undefined,
  outputDir: '../out/e2e/e2e',
  reporter: 'list',
  use: { trace: 'retain-on-failure' },
})
