package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/smartcam-sdk/smartcam/camera/cameratest"
)

// environment is what the texts below show.
type environment struct {
	URL, Region, CA string
	File            string // of the owner's environment
	Streams         string // directory
	Bucket          string
	Pictures        string // directory
	Credentials     string
	KeyID, Secret   string
	TURN            [][]string
	Devices         []device
	ForC            bool // the AWS C SDKs can reach the cloud
}

// device is a device, the file of its environment and the authority.
type device struct {
	*cameratest.Device
	File, CA string
}

// Endpoint is without the port of HTTPS, as the AWS C SDKs want it.
func (d device) Endpoint() string { return strings.TrimSuffix(d.Identity.Endpoint, ":443") }

// texts are shell, to be sourced or pasted.
var texts = template.Must(template.New("").Funcs(template.FuncMap{"quote": quote}).Parse(`
{{- define "owner" -}}
# The owner of the account, who may do everything: AWS SDKs for Go, JavaScript
# (Node), Python and others, and the AWS CLI.
unset AWS_PROFILE AWS_SESSION_TOKEN
export AWS_REGION={{quote .Region}}
export AWS_DEFAULT_REGION={{quote .Region}}
export AWS_ENDPOINT_URL={{quote .URL}}
export AWS_ACCESS_KEY_ID={{quote .KeyID}}
export AWS_SECRET_ACCESS_KEY={{quote .Secret}}
export AWS_CA_BUNDLE={{quote .CA}}
# Node has roots of its own; the AWS SDK for JavaScript reads the rest from above.
export NODE_EXTRA_CA_CERTS={{quote .CA}}
{{end -}}

{{- define "device" -}}
# The device {{.Name}}: master of the channel {{.Name}}, which sends to the stream {{.Name}}.
# Go, such as examples/camera:
unset AWS_PROFILE
export SMARTCAM_DEVICE={{quote .Dir}}
export AWS_REGION={{quote .AWS.Region}}
export AWS_ENDPOINT_URL={{quote .AWS.BaseEndpoint}}
export AWS_CA_BUNDLE={{quote .CA}}
# AWS C SDKs for WebRTC and for producers:
export AWS_DEFAULT_REGION={{quote .AWS.Region}}
export AWS_IOT_CORE_THING_NAME={{quote .Name}}
export AWS_IOT_CORE_CREDENTIAL_ENDPOINT={{quote .Endpoint}}
export AWS_IOT_CORE_ROLE_ALIAS={{quote .Identity.RoleAlias}}
export AWS_IOT_CORE_CERT={{quote (print .Dir "/certificate.pem")}}
export AWS_IOT_CORE_PRIVATE_KEY={{quote (print .Dir "/private.key")}}
export AWS_KVS_CACERT_PATH={{quote .CA}}
export CONTROL_PLANE_URI={{quote .AWS.BaseEndpoint}}
{{end -}}

{{- define "greeting" -}}
# The stand-in cloud is running. Interrupt ends it.
#   control plane, signaling     {{.URL}}
#   media and S3
#   credentials provider         https://{{.Credentials}} (mutual TLS)
{{range .TURN}}{{range .}}#   TURN                         {{.}}
{{end}}{{end}}#
# What devices send is under {{.Streams}},
# their pictures, s3://{{.Bucket}}, under {{.Pictures}}.
# A browser must trust {{.CA}}.

# Also in a file, for:  . {{quote .File}}
{{template "owner" .}}
{{- range .Devices}}
# Also in a file, for:  . {{quote .File}}
{{template "device" .}}
{{- end}}
{{- if not .ForC}}
# The AWS C SDKs know no port but 443; for them start this program with
#   -aws-port 443 -credentials-port 443 -credentials-host ANOTHER_ADDRESS
{{end}}
{{- end -}}
`))

// quote returns s as one word of a shell.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// describe writes the environments of the owner and of the devices to files, and
// everything to w.
func describe(ctx context.Context, w io.Writer, cloud *cameratest.Cloud, dir string, devices []*cameratest.Device) error {
	owner := cloud.OwnerAWS()
	key, err := owner.Credentials.Retrieve(ctx)
	if err != nil {
		return err
	}
	e := environment{
		URL: cloud.URL(), Region: owner.Region, CA: filepath.Join(dir, "ca.pem"), File: filepath.Join(dir, "env"),
		Streams: filepath.Join(dir, "streams"), Bucket: cameratest.PictureBucket, Pictures: filepath.Join(dir, "s3", cameratest.PictureBucket), Credentials: cloud.CredentialsEndpoint(), TURN: cloud.TURN(),
		KeyID: key.AccessKeyID, Secret: key.SecretAccessKey,
	}
	ports := strings.TrimPrefix(e.URL, "https://") + strings.TrimSuffix(e.Credentials, ":443")
	e.ForC = !strings.Contains(ports, ":")
	if err := write(e.File, "owner", e); err != nil {
		return err
	}
	for _, d := range devices {
		named := device{d, filepath.Join(d.Dir, "env"), e.CA}
		if err := write(named.File, "device", named); err != nil {
			return err
		}
		e.Devices = append(e.Devices, named)
	}
	var b bytes.Buffer
	if err := texts.ExecuteTemplate(&b, "greeting", e); err != nil {
		return err
	}
	_, err = w.Write(b.Bytes())
	return err
}

// write writes a text to a file that its owner alone reads: it has keys.
func write(file, text string, data any) error {
	var b bytes.Buffer
	if err := texts.ExecuteTemplate(&b, text, data); err != nil {
		return err
	}
	if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
		return fmt.Errorf("writing the environment: %w", err)
	}
	return nil
}
