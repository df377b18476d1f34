package page

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"mime"
	"net/http"
	"regexp"
	"strings"
)

var nonceForm = regexp.MustCompile(`^[0-9a-f]{32}$`)

// visitor is the number that a browser keeps for us, of its own for each.
func (v *visit) visitor() string {
	name := v.cookie()
	if c, err := v.r.Cookie(name); err == nil && nonceForm.MatchString(c.Value) {
		return c.Value
	}
	var b [16]byte
	rand.Read(b[:]) // it never fails
	nonce := hex.EncodeToString(b[:])
	http.SetCookie(v.w, &http.Cookie{Name: name, Value: nonce, Path: "/", Secure: !v.Plain, HttpOnly: true, SameSite: http.SameSiteStrictMode})
	return nonce
}

// cookie that no other host of the domain can set, where there is TLS.
func (v *visit) cookie() string {
	if v.Plain {
		return "agentd"
	}
	return "__Host-agentd"
}

// token that the forms carry: of this person, in this browser. Somebody else's, or one seen elsewhere, is none.
func (v *visit) token() string {
	h := hmac.New(sha256.New, v.Key)
	h.Write([]byte("form\x00" + v.nonce + "\x00" + v.person.Name))
	return hex.EncodeToString(h.Sum(nil))
}

const maxForm = 64 << 10

// genuine refuses a form that the person did not send from this page: another site's, or a script's without a browser, which uses the API.
func (v *visit) genuine() error {
	no := func(why string) error {
		return &trouble{http.StatusForbidden, "The form does not come from this page", why + " Nothing was changed. Open the page again and repeat it."}
	}
	site, origin := v.r.Header.Get("Sec-Fetch-Site"), v.r.Header.Get("Origin")
	_, host, _ := strings.Cut(origin, "://")
	switch {
	case site == "" && origin == "":
		return no("The browser does not say where it comes from.")
	case site != "" && site != "same-origin":
		return no("The browser says that another site sent it.")
	case origin != "" && host != v.r.Host:
		return no("The browser says that another site sent it.")
	}
	if kind, _, err := mime.ParseMediaType(v.r.Header.Get("Content-Type")); err != nil || kind != "application/x-www-form-urlencoded" {
		return no("It is no form of this page.")
	}
	v.r.Body = http.MaxBytesReader(v.w, v.r.Body, maxForm)
	if err := v.r.ParseForm(); err != nil {
		return no("It cannot be read.")
	}
	if !hmac.Equal([]byte(v.r.PostForm.Get("token")), []byte(v.token())) {
		return no("Its token is missing, of another person or of another browser.")
	}
	return nil
}
