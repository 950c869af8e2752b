// Package docs holds the tests of what is written about the module: every page in
// Markdown and every package's documentation, in all modules of the repository.
//
//   - Go snippets compile, given the variables of ambient.go.
//   - Shell snippets are run by bash with programs that only note how they were called;
//     each program, command, flag, test name, package and directory must exist, and the
//     AWS CLI takes the calls of its own.
//   - JSON parses, links and paths lead to files, headings are there.
//   - Names of Go, environment variables and flags in the text exist.
//   - Each entry under README's Limits is held by tests that exist.
package docs
