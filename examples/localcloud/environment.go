package main

import (
	"context"
	"io"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/smartcam-sdk/smartcam/camera/cameratest"
	"github.com/smartcam-sdk/smartcam/iotcreds/iotcredstest"
)

// environment is what the text below shows.
type environment struct {
	URL, Region, CA        string
	Streams                string // directory
	Credentials, RoleAlias string
	KeyID, Secret          string
	TURN, TURNS            string
	Things                 []*cameratest.Device
	PortsOtherThanHTTPS    bool
	CredentialsShort       string // without the port of HTTPS, as the C SDK wants it
}

// text is shell, so that parts of it can be pasted.
var text = template.Must(template.New("").Parse(`# The stand-in cloud is running. Interrupt ends it.
#   control plane, signaling     {{.URL}}
#   and media
#   credentials provider         https://{{.Credentials}} (mutual TLS)
#   TURN                         {{.TURN}} (UDP, TCP), {{.TURNS}} (TLS)

# All AWS SDKs and the CLI, as the owner of the account:
export AWS_REGION={{.Region}}
export AWS_DEFAULT_REGION={{.Region}}
export AWS_ENDPOINT_URL={{.URL}}
export AWS_ACCESS_KEY_ID={{.KeyID}}
export AWS_SECRET_ACCESS_KEY={{.Secret}}
export AWS_CA_BUNDLE={{.CA}}
export NODE_EXTRA_CA_CERTS={{.CA}}
export SSL_CERT_FILE={{.CA}}

# AWS CLI, where it is too old for AWS_ENDPOINT_URL:
#   aws kinesisvideo list-signaling-channels --endpoint-url {{.URL}} --ca-bundle {{.CA}}
# AWS SDK for JavaScript v3: new KinesisVideoClient({ region: "{{.Region}}", endpoint: "{{.URL}}" });
# its amazon-kinesis-video-streams-webrtc takes the WSS endpoint of GetSignalingChannelEndpoint.
# A browser must trust {{.CA}}.
# What devices send to their streams is under {{.Streams}}, and plays, for example by
#   aws kinesis-video-archived-media get-hls-streaming-session-url --stream-name NAME --endpoint-url {{.URL}} --ca-bundle {{.CA}}
{{range .Things}}
# The device {{.Name}}, master of the channel {{.Name}}, which sends to the stream {{.Name}}.
# Go: iotcreds.LoadConfig("{{.Dir}}"), and aws.Config.BaseEndpoint as AWS_ENDPOINT_URL above.
# AWS C SDKs, and what else reads their environment:
export AWS_IOT_CORE_THING_NAME={{.Name}}
export AWS_IOT_CORE_CREDENTIAL_ENDPOINT={{$.CredentialsShort}}
export AWS_IOT_CORE_ROLE_ALIAS={{$.RoleAlias}}
export AWS_IOT_CORE_CERT={{.Dir}}/certificate.pem
export AWS_IOT_CORE_PRIVATE_KEY={{.Dir}}/private.key
export AWS_KVS_CACERT_PATH={{$.CA}}
export CONTROL_PLANE_URI={{$.URL}}
{{end}}{{if .PortsOtherThanHTTPS}}
# The AWS C SDKs know no port but 443; for them start this program with
#   -aws-port 443 -credentials-port 443 -credentials-host ANOTHER_ADDRESS
{{end}}`))

// printEnvironment prints what clients need to know.
func printEnvironment(ctx context.Context, w io.Writer, cloud *cameratest.Cloud, cfg cameratest.Config, things []*cameratest.Device) error {
	key, err := cloud.OwnerAWS().Credentials.Retrieve(ctx)
	if err != nil {
		return err
	}
	e := environment{
		URL: cloud.URL(), Region: cfg.Region, CA: filepath.Join(cfg.Dir, "ca.pem"), Streams: filepath.Join(cfg.Dir, "streams"),
		Credentials: cloud.CredentialsEndpoint(), RoleAlias: iotcredstest.DefaultRoleAlias,
		KeyID: key.AccessKeyID, Secret: key.SecretAccessKey,
	}
	e.TURN, e.TURNS = cloud.TURN()
	e.CredentialsShort = strings.TrimSuffix(e.Credentials, ":443")
	e.PortsOtherThanHTTPS = e.CredentialsShort == e.Credentials || strings.Contains(strings.TrimPrefix(e.URL, "https://"), ":")
	e.Things = things
	return text.Execute(w, e)
}
