// Package program is what the example programs have in common: a command line of
// flags with defaults in the environment, the way to AWS or to a stand-in for it,
// the log, the version, and exit codes.
//
//	func main() { program.Main("camera", run) }
//
//	func run(ctx context.Context, std program.Console, args []string) error {
//		fs := program.NewFlags("camera", "[flags]", "Runs a camera.")
//		account := fs.AWS()
//		channel := fs.Channel("", "signaling channel, `name` or ARN")
//		if err := fs.Parse(std, args); err != nil {
//			return err
//		}
//		...
//	}
//
// A flag has the same environment variable in every program; -h shows it. The
// command line outweighs the environment, and an empty variable is one that is not
// set. What is wrong with a value is said before anything is connected, under the
// name by which it came: -channel, or $SMARTCAM_CHANNEL.
package program
