package schema

// Features says what the anomaly model sees of an event. The SOC owns it; a forest carries the one that it was trained with.
type Features struct {
	Header `json:",inline"`

	// Spec holds the features.
	Spec FeaturesSpec `json:"spec" rule:"required"`
}

// FeaturesSpec is the body of Features.
type FeaturesSpec struct {
	// Team that owns the features.
	Team string `json:"team" rule:"required,name"`

	// Source of the events: `falco`, alone or as falcosidekick sends them, or `a2a`, calls as the guards see them.
	Source string `json:"source" rule:"required,enum=falco|a2a"`

	// Features of an event. Their order is that of a row's values.
	Features []Feature `json:"features" rule:"required"`
}

// Feature turns an event into one number. A field of Falco's is a key of the event, as in `rule` or `priority`, or one of its `output_fields`, as
// in `proc.name`; those of a call are listed in docs/forest.md. Exactly one of ordinal, number, text, rarity, present, flag and tag says how.
type Feature struct {
	// Name of the feature, in explanations and reports. Unique.
	Name string `json:"name" rule:"required,name"`

	// Ordinal is the place of a field's value in a list, from 0; a value that is not in it counts as missing.
	Ordinal *Ordinal `json:"ordinal,omitempty"`

	// Number is the value of a field.
	Number *Number `json:"number,omitempty"`

	// Text is what the value of a field looks like.
	Text *Text `json:"text,omitempty"`

	// Rarity is how seldom the values of these fields occurred together in the training, as the negative logarithm of their share, 12 at
	// most. What is missing is a value too. One to four fields.
	Rarity []string `json:"rarity,omitempty"`

	// Present is 1 where the event has the field, else 0.
	Present string `json:"present,omitempty"`

	// Flag is 1 where a field has one of some values, else 0.
	Flag *Flag `json:"flag,omitempty"`

	// Tag is 1 where one of the event's tags begins with it, else 0.
	Tag string `json:"tag,omitempty"`

	// Missing is the value of an ordinal, number or text where the event has none. Default: -1.
	Missing *float64 `json:"missing,omitempty"`
}

// Ordinal is a list in which values have an order.
type Ordinal struct {
	// Field of the event.
	Field string `json:"field" rule:"required"`

	// Order of the values, the least first.
	Order []string `json:"order" rule:"required"`
}

// Number is the number in a field.
type Number struct {
	// Field of the event.
	Field string `json:"field" rule:"required"`

	// Scale is `linear`, or `log`: the logarithm of one more than the value, which keeps a few huge values from hiding the others. Default:
	// linear.
	Scale string `json:"scale,omitempty" rule:"enum=linear|log"`
}

// Text is the shape of a text.
type Text struct {
	// Field of the event.
	Field string `json:"field" rule:"required"`

	// Shape is `length` (the logarithm of one more than its characters), `entropy` (bits a character), `digits` (their share), `meta`
	// (how many characters mean something to a shell) or `depth` (how many slashes).
	Shape string `json:"shape" rule:"required,enum=length|entropy|digits|meta|depth"`
}

// Flag compares a field with values.
type Flag struct {
	// Field of the event.
	Field string `json:"field" rule:"required"`

	// Values of which it may have one.
	Values []string `json:"values" rule:"required"`
}
