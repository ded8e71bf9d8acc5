"""The reasons why some of Keras's layers are missing."""

_DENSE = "jitgrad is for tables. Use Dense layers on features."
_KINDS = {
    f"It is a convolution, and {_DENSE}": """
        Conv1D Conv2D Conv3D Conv1DTranspose Conv2DTranspose Conv3DTranspose Convolution1D Convolution2D Convolution3D
        DepthwiseConv1D DepthwiseConv2D SeparableConv1D SeparableConv2D MaxPooling1D MaxPooling2D MaxPooling3D MaxPool1D
        MaxPool2D MaxPool3D AveragePooling1D AveragePooling2D AveragePooling3D AvgPool1D AvgPool2D AvgPool3D UpSampling1D
        UpSampling2D UpSampling3D ZeroPadding1D ZeroPadding2D ZeroPadding3D Cropping1D Cropping2D Cropping3D
        GlobalAveragePooling2D GlobalAveragePooling3D GlobalMaxPooling2D GlobalMaxPooling3D SpatialDropout2D SpatialDropout3D
    """,
    f"It is for sequences, and {_DENSE}": """
        LSTM GRU SimpleRNN RNN LSTMCell GRUCell SimpleRNNCell StackedRNNCells Bidirectional TimeDistributed ConvLSTM1D
        ConvLSTM2D ConvLSTM3D Masking TextVectorization SpatialDropout1D
    """,
    f"It is attention over sequences, and {_DENSE}": """
        Attention AdditiveAttention MultiHeadAttention GroupQueryAttention
    """,
    "It changes images. Change the arrays before the fit.": """
        RandomFlip RandomRotation RandomZoom RandomCrop RandomContrast RandomBrightness RandomTranslation RandomHeight
        RandomWidth Resizing CenterCrop
    """,
    "Keras 3 has removed it, too. Use StringLookup, CategoryEncoding and Normalization.": "DenseFeatures",
}
REASONS = {name: reason for reason, names in _KINDS.items() for name in names.split()}
"""The reason for each missing layer, by name."""
