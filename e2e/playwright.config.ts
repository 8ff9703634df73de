import { defineConfig } from '@playwright/test'

export default defineConfig({
  testDir: '.',
  testIgnore: ['renderer/**', 'admin/**'],
  // Far more than they take: a machine may be busy with other things, or stand still, and a start may have to be repeated.
  timeout: 600_000,
  expect: { timeout: 60_000 },
  workers: 2,
  fullyParallel: true,
  forbidOnly: process.env['CI'] !== undefined,
  outputDir: '../out/e2e/e2e',
  reporter: 'list',
  use: { trace: 'retain-on-failure' },
})
