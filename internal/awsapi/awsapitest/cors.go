package awsapitest

import "net/http"

// AllowOrigins lets pages of any origin call h, as AWS does for the AWS SDK for
// JavaScript in a browser: it answers preflight requests itself and lets the
// page read the headers that tell errors and the service's clock.
func AllowOrigins(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		out := w.Header()
		out.Set("Access-Control-Allow-Origin", "*")
		out.Set("Access-Control-Expose-Headers", "x-amzn-ErrorType, x-amzn-RequestId, Date")
		if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
			h.ServeHTTP(w, r)
			return
		}
		out.Set("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, DELETE, OPTIONS")
		if want := r.Header.Get("Access-Control-Request-Headers"); want != "" {
			out.Set("Access-Control-Allow-Headers", want)
		}
		if r.Header.Get("Access-Control-Request-Private-Network") != "" {
			out.Set("Access-Control-Allow-Private-Network", "true")
		}
		out.Set("Access-Control-Max-Age", "600")
		w.WriteHeader(http.StatusNoContent)
	})
}
