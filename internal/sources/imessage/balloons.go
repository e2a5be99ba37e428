package imessage

import (
	"cmp"
	"net/url"
	"strings"

	"ventriloquist/internal/sources/plistdata"

	"howett.net/plist"
)

// urlBalloon is the balloon_bundle_id of a link with its preview; every other ID belongs to an app.
const urlBalloon = "com.apple.messages.URLBalloonProvider"

// balloonWords returns the text for a balloon whose body has none: the URL of a link, or the summary, caption or URL of an
// app's message. It is empty if the payload has no text either.
func balloonWords(bundle string, payload []byte) string {
	root := decodePlist(payload)
	if root == nil {
		return ""
	}
	value := unarchive(root)
	content, _ := value.(map[string]any)
	if bundle == urlBalloon {
		return linkURL(content)
	}
	if text := trimmed(content["ldtext"]); text != "" {
		return text
	}
	info, _ := content["userInfo"].(map[string]any)
	if caption := trimmed(info["caption"]); caption != "" {
		return caption
	}
	link := cmp.Or(trimmed(value), linkURL(content))
	if !isWebAddress(link) {
		return ""
	}
	return link
}

// isWebAddress reports whether a URL is one that people open. Apps also keep their state in URLs.
func isWebAddress(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

// decodePlist returns the dictionary in a property list, or nil if there is none. Anyone may send a list that makes the
// library fail; such a list counts as one without a dictionary.
func decodePlist(data []byte) (root map[string]any) {
	if len(data) == 0 {
		return nil
	}
	if err := plistdata.Unmarshal(data, &root); err != nil {
		return nil
	}
	return root
}

func trimmed(v any) string {
	s, _ := v.(string)
	return strings.TrimSpace(s)
}

// linkURL returns the URL that was sent, in preference to the one it redirected to.
func linkURL(content map[string]any) string {
	metadata, ok := content["richLinkMetadata"].(map[string]any)
	if !ok {
		metadata = content
	}
	for _, name := range []string{"originalURL", "URL"} {
		if s := trimmed(metadata[name]); s != "" {
			return s
		}
	}
	return ""
}

// unarchive returns the root object of a keyed archive (NSKeyedArchiver) as plain values: dictionaries (also for objects
// of other classes), lists, and strings (also for URLs). It returns a plist that is not an archive as it is.
func unarchive(root map[string]any) any {
	objects, ok := root["$objects"].([]any)
	if !ok {
		return root
	}
	top, _ := root["$top"].(map[string]any)
	a := archive{objects: objects, open: map[plist.UID]bool{}}
	if _, named := top["root"]; named {
		return a.value(top["root"])
	}
	return a.value(top)
}

// archive resolves the references in a keyed archive.
type archive struct {
	objects []any
	open    map[plist.UID]bool // objects being resolved: references may form cycles
	work    int
}

// maxWork limits how many values are resolved: a shared object is resolved once per reference.
const maxWork = 100_000

func (a *archive) value(v any) any {
	if a.work++; a.work > maxWork {
		return nil
	}
	switch v := v.(type) {
	case plist.UID:
		if uint64(v) >= uint64(len(a.objects)) || a.open[v] {
			return nil
		}
		a.open[v] = true
		defer delete(a.open, v)
		return a.value(a.objects[v])
	case string:
		if v == "$null" {
			return nil
		}
		return v
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = a.value(v[i])
		}
		return list
	case map[string]any:
		return a.object(v)
	}
	return v
}

// object resolves an object by its class: NSURL, NSString, NSDictionary, NSArray, or for any other class by its fields.
func (a *archive) object(fields map[string]any) any {
	if relative, ok := fields["NS.relative"]; ok {
		return joinURL(trimmed(a.value(fields["NS.base"])), trimmed(a.value(relative)))
	}
	if text, ok := fields["NS.string"]; ok {
		return a.value(text)
	}
	values, _ := a.value(fields["NS.objects"]).([]any)
	keys, isDictionary := a.value(fields["NS.keys"]).([]any)
	if !isDictionary && fields["NS.objects"] != nil {
		return values
	}
	result := make(map[string]any)
	for i, key := range keys {
		if name, ok := key.(string); ok && i < len(values) {
			result[name] = values[i]
		}
	}
	for name, v := range fields {
		if !strings.HasPrefix(name, "NS.") && name != "$class" {
			result[name] = a.value(v)
		}
	}
	return result
}

func joinURL(base, relative string) string {
	if base == "" {
		return relative
	}
	b, err := url.Parse(base)
	if err != nil {
		return relative
	}
	r, err := url.Parse(relative)
	if err != nil {
		return relative
	}
	return b.ResolveReference(r).String()
}
